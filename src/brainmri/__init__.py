"""A folder of brain MRI in, an honestly measured tumor classifier out."""
