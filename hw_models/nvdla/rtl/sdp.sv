// SDP behind the convolution: takes pixels from CACC, works on them, writes atoms to memory.
//
// The twin of hw_models/nvdla/sdp.py and sdp_write.py in every cycle, and of values/sdp.py and values/lut.py in
// every bit, for pixels from CACC and INT8 to memory. Operands from memory are there with the data; the
// cycles that SDP waits for late ones are not part of this twin.

module sdp
  import post_types::*, sdp_types::*;
#(
    parameter int ATOM = 8,                 // elements, bytes when written
    parameter int ELEMENTS = 1,             // a cycle
    parameter int BURST = 1,                // longest write, atoms
    localparam int BEATS = ATOM / ELEMENTS
) (
    input  logic                            clk,
    input  logic                            rst,
    // op-enable
    input  logic                            enable,
    input  logic [$bits(sdp_launch_t)-1:0]  registers,     // a sdp_launch_t
    output logic                            room,
    // look-up tables
    input  logic [$bits(lut_t)-1:0]         lut,           // a lut_t
    input  logic                            table_write,
    input  logic                            table_lo,
    input  logic [8:0]                      table_entry,
    input  logic [15:0]                     table_data,
    // CACC
    input  logic                            cacc_valid,    // first beat of a pixel; the others follow at once
    output logic                            cacc_ready,
    input  logic [ELEMENTS-1:0][31:0]       cacc_data,
    input  logic [ELEMENTS-1:0][5:0][15:0]  operands,      // from memory: ALU and multiplier of X1, X2, Y
    // memory interface
    output logic                            write_valid,   // a burst with all of its data
    input  logic                            write_ready,
    output logic [31:0]                     write_address,
    output logic [3:0]                      write_atoms,
    output logic [BURST-1:0][8*ATOM-1:0]    write_data,
    input  logic                            acknowledge,   // of the oldest burst that has left
    // what the summary reports
    output logic                            begins,
    output logic                            hands_over,    // its register group is free
    output logic                            done
);

  localparam int X_BASE = 4, X_ALU = 2, X_MUL = 1, Y_BASE = 12, Y_LUT = 14;
  localparam int TO_WRITE = 15;             // last chunk of an atom -> write, with all sub-units bypassed
  localparam int LONGEST = TO_WRITE + 2 * (X_BASE + X_ALU + X_MUL) + Y_BASE + Y_LUT;
  localparam int ATOMS_TO_BUS = 27;         // between CACC and the memory interface
  localparam int ACKNOWLEDGE_TO_DONE = 5;
  localparam int LANE = 10;                 // stages of a lane
  localparam int ENDING = 4;                // launches that wait for acknowledgements
  localparam int BYTES = $clog2(ATOM);

  // register groups
  sdp_launch_t launch, first_in_line;
  logic busy, waits;
  register_groups #(.BITS($bits(sdp_launch_t))) register_groups (
      .clk, .rst, .enable, .registers, .frees(hands_over), .room, .waits, .first(first_in_line)
  );
  assign begins = !busy && waits;
  wire sdp_launch_t now = begins ? first_in_line : launch;

  // pixels in
  logic [5:0] in_pipe;                      // atoms taken and not yet written
  logic [38:0] taken;
  wire [38:0] atoms = now.width * now.height * 39'(now.surfaces);
  assign cacc_ready = begins || (busy && taken != atoms && in_pipe < 6'(ATOMS_TO_BUS));
  wire takes = cacc_valid && cacc_ready;
  logic [$clog2(BEATS+1)-1:0] beats_left;
  wire last_beat = (BEATS == 1) ? takes : beats_left == 1;

  // elements through the lanes; an atom is put together behind them
  logic [ELEMENTS-1:0][7:0] made;
  for (genvar e = 0; e < ELEMENTS; e++) begin : g_lanes
    sdp_lane lane (
        .clk, .launch(now), .lut(lut_t'(lut)), .write(table_write), .write_lo(table_lo),
        .write_entry(table_entry), .write_data(table_data), .value(cacc_data[e]), .operands(operands[e]),
        .result(made[e])
    );
  end
  logic flows, ends;
  delay #(.CYCLES(LANE), .BITS(2)) along (
      .clk, .rst, .in({takes || beats_left != 0, last_beat}), .out({flows, ends})
  );
  logic [8*ATOM-1:0] gathering;
  wire [8*ATOM-1:0] atom = (8 * ATOM)'({made, gathering} >> (8 * ELEMENTS));
  logic [8*ATOM-1:0] results[32];
  logic [4:0] results_in, results_out;

  // positions in the output cube, and the bursts that they make
  logic [13:0] column, line, surface;
  logic [3:0] gathered;
  logic [31:0] burst_address;
  wire one_pixel = now.width == 1 && now.height == 1;  // surfaces lie side by side, all in one command
  wire [31:0] surface_stride = one_pixel ? 32'(ATOM) : now.surface_stride;
  wire [31:0] address = now.address + surface * surface_stride + line * now.line_stride
      + (32'(column) << BYTES);
  wire end_of_line = column + 1'b1 == now.width;
  wire end_of_surface = end_of_line && line + 1'b1 == now.height;
  wire end_of_cube = end_of_surface && surface + 1'b1 == now.surfaces;
  wire aligned = ((address >> BYTES) + 32'd1) % 32'(BURST) == 0;
  wire ends_burst = last_beat && ((one_pixel ? end_of_cube : end_of_line) || aligned);

  // cycles until a burst may leave: those of the sub-units that are on, then one behind the other
  function automatic logic [6:0] x_cycles(logic on, logic alu_works, logic mul_works);
    return !on ? '0 : 7'(X_BASE) + (alu_works ? 7'(X_ALU) : '0) + (mul_works ? 7'(X_MUL) : '0);
  endfunction
  wire [6:0] y_cycles = !now.y.on ? '0 : 7'(Y_BASE) + (now.y.look_up ? 7'(Y_LUT) : '0);
  wire [6:0] cycles = 7'(TO_WRITE) + x_cycles(now.x1.on, now.x1.alu, now.x1.mul)
      + x_cycles(now.x2.on, now.x2.alu, now.x2.mul) + y_cycles;
  write_bursts #(.LONGEST(LONGEST)) write_bursts (
      .clk, .rst, .push(ends_burst), .address((gathered == 0) ? address : burst_address), .atoms(gathered + 4'd1),
      .cycles, .write_valid, .write_ready, .write_address, .write_atoms, .first(results_out)
  );
  wire leaves = write_valid && write_ready;
  always_comb begin
    for (int a = 0; a < BURST; a++) begin
      write_data[a] = (a < int'(write_atoms)) ? results[results_out+5'(a)] : '0;
    end
  end

  // acknowledgements: of the launch in work, or of those that have written all
  logic all_sent;
  logic [31:0] open;                        // bursts of the launch in work without acknowledgement
  logic [31:0] ending[ENDING];
  logic [1:0] ending_head;
  logic [2:0] ending_count;
  wire for_ending = acknowledge && ending_count != 0;
  wire finishes = for_ending && ending[ending_head] == 1;
  wire [5:0] in_pipe_after = in_pipe - (leaves ? 6'(write_atoms) : 6'd0);
  wire [2:0] ending_after = ending_count - 3'(finishes);
  wire [31:0] open_after = open + 32'(ends_burst) - 32'(acknowledge && !for_ending);
  assign hands_over = busy && all_sent && in_pipe_after == 0 && (leaves || finishes)
      && ending_after < 3'(ENDING);
  delay #(.CYCLES(ACKNOWLEDGE_TO_DONE)) to_done (.clk, .rst, .in(finishes), .out(done));

  always_ff @(posedge clk) begin
    if (rst) begin
      {busy, taken, in_pipe, beats_left, results_in} <= '0;
      {column, line, surface, gathered} <= '0;
      {all_sent, open, ending_head, ending_count} <= '0;
      launch <= '0;
    end else begin
      if (begins) begin
        launch <= first_in_line;
        busy <= 1'b1;
        all_sent <= 1'b0;
        taken <= 39'(takes);
      end else begin
        if (hands_over) busy <= 1'b0;
        if (takes) taken <= taken + 1'b1;
      end

      in_pipe <= in_pipe_after + 6'(takes);
      if (takes) beats_left <= ($bits(beats_left))'(BEATS - 1);
      else if (beats_left != 0) beats_left <= beats_left - 1'b1;
      if (ends) results_in <= results_in + 1'b1;

      if (last_beat) begin
        column <= end_of_line ? '0 : column + 1'b1;
        if (end_of_line) line <= end_of_surface ? '0 : line + 1'b1;
        if (end_of_surface) surface <= end_of_cube ? '0 : surface + 1'b1;
        if (end_of_cube) all_sent <= 1'b1;
        gathered <= ends_burst ? '0 : gathered + 1'b1;
      end

      open <= hands_over ? '0 : open_after;
      if (for_ending) ending[ending_head] <= ending[ending_head] - 1;
      if (finishes) ending_head <= ending_head + 1'b1;
      if (hands_over) ending[ending_head+2'(ending_count)] <= open_after;
      ending_count <= ending_after + 3'(hands_over);
    end
    if (flows) gathering <= atom;
    if (ends) results[results_in] <= atom;
    if (last_beat && gathered == 0) burst_address <= address;
  end

endmodule
