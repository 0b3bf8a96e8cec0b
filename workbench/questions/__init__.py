"""Questions over one's own documents: written by a model, reviewed by a person."""
