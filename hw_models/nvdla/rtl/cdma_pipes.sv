// What lies between the bus and CDMA's shared buffer: a register, the memory interface's FIFO, and three registers
// with a skid entry each. One that cannot pass its beat on in a cycle refuses the next in the following cycle, whether
// its skid entry is taken or not.

module cdma_pipes #(
    parameter int BITS = 64,
    parameter int BEATS = 6,                // between the bus and the first of the three
    parameter int TO_FIFO = 3,              // a beat is taken -> the FIFO offers it
    localparam int STAGES = 3
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            beat_valid,
    output logic            beat_ready,
    input  logic [BITS-1:0] beat_data,
    input  logic            busy,           // the shared buffer takes none
    output logic            takes,          // it takes one
    output logic [BITS-1:0] data
);

  typedef struct packed {
    logic            valid;
    logic [BITS-1:0] data;
  } beat_t;

  beat_t arrives;
  delay #(.CYCLES(TO_FIFO), .BITS(BITS + 1)) to_fifo (
      .clk, .rst, .in({beat_valid && beat_ready, beat_data}), .out(arrives)
  );

  localparam int B = $clog2(BEATS + 1);
  logic [BITS-1:0] fifo[BEATS];
  logic [B-1:0] held, waiting;              // between the bus and the first register; of these, in the FIFO
  logic [B-1:0] head, tail;
  beat_t [STAGES-1:0] pipe, skid, into;
  logic [STAGES-1:0] ready, accepts;
  wire beat_t front = '{waiting != 0 || arrives.valid, (waiting == 0) ? arrives.data : fifo[head]};
  wire pops = front.valid && ready[0];
  assign beat_ready = held < B'(BEATS) || pops;
  assign takes = pipe[STAGES-1].valid && !busy;
  assign data = pipe[STAGES-1].data;

  always_comb begin
    for (int k = 0; k < STAGES; k++) begin
      into[k] = (k == 0) ? front : pipe[(k == 0) ? 0 : k-1];
      accepts[k] = !pipe[k].valid || ((k == STAGES - 1) ? !busy : ready[(k == STAGES - 1) ? k : k+1]);
    end
  end

  function automatic logic [B-1:0] next(logic [B-1:0] place);
    return (place == B'(BEATS - 1)) ? '0 : place + B'(1);
  endfunction

  always_ff @(posedge clk) begin
    if (rst) begin
      {held, waiting, head, tail} <= '0;
      {pipe, skid} <= '0;
      ready <= '1;
    end else begin
      held <= held + B'(beat_valid && beat_ready) - B'(pops);
      waiting <= waiting + B'(arrives.valid) - B'(pops);
      if (arrives.valid) tail <= next(tail);
      if (pops) head <= next(head);
      for (int k = 0; k < STAGES; k++) begin
        if (accepts[k]) pipe[k] <= ready[k] ? into[k] : skid[k];
        if (ready[k]) skid[k] <= into[k];
      end
      ready <= accepts;
    end
    if (arrives.valid) fifo[tail] <= arrives.data;
  end

endmodule
