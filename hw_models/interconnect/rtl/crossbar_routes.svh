// Who below `crossbar` answers to an address: the first route that covers it, or a port by turns where there is no
// route. Twin of routes.py. What lies below a route that takes turns sees its addresses without gaps.

typedef struct packed {
  logic [P-1:0] port;
  logic [A-1:0] address;  // as what is below the port sees it
} below_t;

function automatic logic covers(int r, logic [A-1:0] address);
  if (address < route_base[r] || address > route_last[r]) return 1'b0;
  return ((address >> route_turn_shift[r]) & ((A'(1) << route_turn_bits[r]) - A'(1))) == A'(route_turn[r]);
endfunction

// an address without the bits that say whose turn it is
function automatic logic [A-1:0] closed_up(int r, logic [A-1:0] address);
  logic [A-1:0] low;
  low = (A'(1) << route_turn_shift[r]) - A'(1);
  return ((address >> route_turn_bits[r]) & ~low) | (address & low);
endfunction

function automatic below_t below(logic [A-1:0] address);
  logic found;
  logic [A-1:0] closed;
  found = 1'b0;
  below = '{port: P'(address >> interleave_shift) & port_mask, address: address};
  for (int r = 0; r < ROUTES; r++) begin
    if (!found && r < int'(route_count) && covers(r, address)) begin
      found = 1'b1;
      closed = closed_up(r, address);
      below = '{port: route_first[r] + (P'(closed >> route_shift[r]) & route_mask[r]), address: closed};
    end
  end
endfunction
