"""Compares our metrics, and judges' published verdicts, with the official scores of published predictions."""
