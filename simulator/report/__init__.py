"""Pages and plots. Only the functions here that draw import matplotlib."""
