"""How the embedded reader reads: question, sentences, spans, structured replies."""
