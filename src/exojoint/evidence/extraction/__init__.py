"""From other people's files to records: schema, readers, duplicates, extraction status, PRISMA flow."""
