ELEMENTARY = ()


def emit_elementary(w, op, a):
    raise NotImplementedError
