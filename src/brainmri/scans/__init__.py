"""Reading the world: folders of pictures and volumes -> scans and slices."""
