"""Our metrics and judges held against published predictions and their official scores."""
