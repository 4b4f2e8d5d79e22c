"""Using a model: strangers' scans in, probabilities, explanations and portable files out."""
