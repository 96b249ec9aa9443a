// The coherence hub's trackers: one for each transaction in flight, one transaction a line. Twin of hub.py.

  function automatic logic is_tracking(logic [P-1:0] port, int t);
    return s.busy[port][t] || s.tracked_until[port][t] > s.now;
  endfunction

  // has the hub a tracker, and nothing under way with this line?
  function automatic logic hub_takes(logic [P-1:0] port, logic [A-1:0] address);
    logic free;
    free = 1'b0;
    hub_takes = 1'b1;
    for (int t = 0; t < TRACKERS; t++) begin
      if (t < int'(trackers)) begin
        if (!is_tracking(port, t)) free = 1'b1;
        else if (s.line[port][t] == address >> line_shift) hub_takes = 1'b0;
      end
    end
    if (!free) hub_takes = 1'b0;
  endfunction

  function automatic logic [X-1:0] free_tracker(logic [P-1:0] port);
    free_tracker = '0;
    for (int t = TRACKERS - 1; t >= 0; t--) if (t < int'(trackers) && !is_tracking(port, t)) free_tracker = X'(t);
  endfunction
