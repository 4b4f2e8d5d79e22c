"""Reading the world: folders of pictures -> scans and their pixels."""
