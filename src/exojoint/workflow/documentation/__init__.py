"""Pages that say what the model is: equations, numbers, pictures and catalogues, all made from tables and code."""
