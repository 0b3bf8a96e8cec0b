"""The context is read by agents, each a part of it, or walked through by one: what one has read it hands on."""
