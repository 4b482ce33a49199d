"""Care for people who live alone and asked for it by consent (c). Apart: no other room reads it, and it reads no lead or case."""
