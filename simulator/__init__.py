"""dlasim: how long a DNN takes on an SoC, and who slows whom down in its memory."""
