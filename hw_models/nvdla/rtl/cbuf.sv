// The convolution buffer: two neighbouring entries for data and two for weights are read a cycle, one of each written.
//
// An entry may have several parts, which are written by themselves; a place to write is a part's number. Even and odd entries lie in memories of their own, so that any two neighbours can be read at once.

module cbuf #(
    parameter int BITS = 64,                // of an entry
    parameter int ENTRIES = 16384,
    parameter int PARTS = 1,                // of an entry, a power of two
    localparam int E = $clog2(ENTRIES),
    localparam int P = $clog2(ENTRIES * PARTS),
    localparam int PART = BITS / PARTS
) (
    input  logic                 clk,
    input  logic [1:0]           write,         // data, weights: never the same entry
    input  logic [1:0][P-1:0]    write_part,
    input  logic [1:0][PART-1:0] write_data,
    input  logic [1:0][E-1:0]    data_entry,    // neighbours, or the last and the first
    output logic [1:0][BITS-1:0] data,          // a cycle later
    input  logic [1:0][E-1:0]    weight_entry,
    output logic [1:0][BITS-1:0] weights
);

  logic [BITS-1:0] even[ENTRIES/2];
  logic [BITS-1:0] odd[ENTRIES/2];
  logic [BITS-1:0] data_even, data_odd, weights_even, weights_odd;
  logic data_swap, weights_swap;
  assign data = data_swap ? {data_even, data_odd} : {data_odd, data_even};
  assign weights = weights_swap ? {weights_even, weights_odd} : {weights_odd, weights_even};

  wire [E-2:0] data_even_at = data_entry[0][0] ? data_entry[1][E-1:1] : data_entry[0][E-1:1];
  wire [E-2:0] data_odd_at = data_entry[0][0] ? data_entry[0][E-1:1] : data_entry[1][E-1:1];
  wire [E-2:0] weights_even_at = weight_entry[0][0] ? weight_entry[1][E-1:1] : weight_entry[0][E-1:1];
  wire [E-2:0] weights_odd_at = weight_entry[0][0] ? weight_entry[0][E-1:1] : weight_entry[1][E-1:1];

  function automatic int first_bit(logic [P-1:0] part);
    return (int'(part) % PARTS) * PART;
  endfunction

  always_ff @(posedge clk) begin
    for (int w = 0; w < 2; w++) begin
      if (write[w] && !write_part[w][P-E]) even[write_part[w][P-1:P-E+1]][first_bit(write_part[w])+:PART] <= write_data[w];
      if (write[w] && write_part[w][P-E]) odd[write_part[w][P-1:P-E+1]][first_bit(write_part[w])+:PART] <= write_data[w];
    end
    data_even <= even[data_even_at];
    data_odd <= odd[data_odd_at];
    data_swap <= data_entry[0][0];
    weights_even <= even[weights_even_at];
    weights_odd <= odd[weights_odd_at];
    weights_swap <= weight_entry[0][0];
  end

endmodule
