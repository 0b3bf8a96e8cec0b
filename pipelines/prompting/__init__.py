"""Everything stands in the context, and the prompt helps the model to find its way."""
