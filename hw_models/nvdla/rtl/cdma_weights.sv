// CDMA's weight side: kernel groups from memory into the weight banks of the convolution buffer, in order.
//
// Requests run ahead as far as the banks reach and SPARE atoms further; what arrives while the banks are full waits.

module cdma_weights
  import cdma_types::*;
#(
    parameter int ATOM = 8,
    parameter int ATOMIC_K = 8,
    parameter int PARTS = 1,                // atoms of an entry
    parameter int DEPTH = 512,
    parameter int SPARE = 8,
    parameter int ENTRY_BITS = 14,
    localparam int A = 32 - $clog2(ATOM)
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic [T-1:0]          now,
    // register groups
    input  logic                  waits,
    input  cdma_launch_t          first,
    input  logic [T-1:0]          begin_at,
    input  logic                  ends,
    output logic                  over,
    output logic [T-1:0]          done_at,
    // memory interface
    output logic                  req_valid,
    input  logic                  req_ready,
    output logic [A-1:0]          req_address,
    output logic [3:0]            req_atoms,
    output logic [D-1:0]          req_delay,
    input  logic                  beat_valid,
    input  logic [8*ATOM-1:0]     beat_data,
    // CSC
    input  logic                  agreed,
    output logic                  pends,
    output logic                  asks,      // for a new split: it waits, or does from the next cycle on
    output logic                  kernels_update,
    input  logic                  release_valid,
    input  logic [15:0]           release_entries,
    // CBUF
    output logic                  write,
    output logic [ENTRY_BITS-1:0] write_entry,
    output logic [8*ATOM-1:0]     write_data,
    output logic                  done
);

  localparam int LOG_ATOM = $clog2(ATOM);
  localparam int LOG_PARTS = $clog2(PARTS);
  localparam int BANK_BITS = $clog2(DEPTH) + LOG_PARTS;  // of a bank's atoms
  localparam int E = 17;                    // of a number of atoms
  wire [E-1:0] released = E'(release_entries) << LOG_PARTS;
  localparam int TO_DOOR = 6;               // a beat is taken -> it may go to CBUF
  localparam int TO_KERNELS = 8;            // the last of a kernel group has gone -> CSC knows of it
  localparam int LAST_TO_DONE = 7;

  // the launch
  phase_t phase;
  /* verilator lint_off UNUSEDSIGNAL */
  cdma_launch_t launch;                     // some of it
  /* verilator lint_on UNUSEDSIGNAL */
  logic [1:0][5:0] banks;
  wire starts = phase == IDLE && waits;
  wire new_split = {first.data_banks, first.weight_banks} != banks;
  wire agrees = phase == PEND && agreed;
  logic kept;                               // the launch before keeps its own
  wire lie_there = starts && !new_split && first.reuse_weights && kept;
  wire loads = agrees || (starts && !new_split && !lie_there);
  assign pends = phase == PEND;
  assign asks = pends || (starts && new_split);

  // requests
  logic [T-1:0] next_request;
  logic [A-1:0] address;
  logic [31:0] unrequested;                 // atoms
  logic [E-1:0] held;                       // atoms that are requested or filled
  wire [E-1:0] capacity = E'(launch.weight_banks) << BANK_BITS;
  wire wants = phase == BUSY && unrequested != 0;
  wire fits = 32'(held) + 32'(req_atoms) <= 32'(capacity) + 32'(SPARE);
  assign req_valid = wants && fits;
  assign req_address = address;
  assign req_atoms = request_size(address[2:0], unrequested);
  assign req_delay = delay_of(next_request, now);
  wire requests = req_valid && req_ready;
  wire blocked = wants && !fits && req_ready;

  // beats
  logic arrives;
  logic [8*ATOM-1:0] arriving;
  delay #(.CYCLES(TO_DOOR), .BITS(1 + 8 * ATOM)) to_door (
      .clk, .rst, .in({beat_valid, beat_data}), .out({arrives, arriving})
  );
  localparam int W = $clog2(SPARE);         // SPARE is a power of two
  logic [8*ATOM-1:0] spare[SPARE];
  logic [W-1:0] head, tail;
  logic [W:0] waiting;
  logic [E-1:0] stored, position;
  assign write = (waiting != 0 || arrives) && stored < capacity;
  assign write_data = (waiting == 0) ? arriving : spare[head];
  assign write_entry = ENTRY_BITS'((E'(launch.data_banks) << BANK_BITS) + position);

  // kernel groups
  logic [31:0] received, need;              // bytes: in CBUF, and when the next group is
  logic [13:0] unannounced;                 // kernels
  logic spaced;                             // no announcement in the cycle before
  wire [31:0] group_bytes = 32'(launch.kernel_bytes) * 32'(ATOMIC_K);
  wire last_group = unannounced <= 14'(ATOMIC_K);
  wire [31:0] received_now = received + (write ? 32'(ATOM) : '0);
  wire announces = phase == BUSY && spaced && unannounced != 0
      && received_now >= (last_group ? launch.weight_bytes : need);
  logic last_update;
  delay #(.CYCLES(TO_KERNELS), .BITS(2)) to_kernels (
      .clk, .rst, .in({announces, announces && last_group}), .out({kernels_update, last_update})
  );
  logic last_late;
  delay #(.CYCLES(LAST_TO_DONE)) to_done (.clk, .rst, .in(last_update), .out(last_late));
  logic [T-1:0] was_done_at;
  wire ends_kept = phase == KEPT && now == was_done_at;
  assign done = last_late || ends_kept;
  assign over = phase == DONE || last_update || ends_kept;
  assign done_at = last_update ? now + T'(LAST_TO_DONE) : was_done_at;

  always_ff @(posedge clk) begin
    if (rst) begin
      phase <= IDLE;
      kept <= 1'b0;
      launch <= '0;
      banks <= '0;
      {next_request, was_done_at} <= '0;
      {address, unrequested, held} <= '0;
      {head, tail, waiting, stored, position} <= '0;
      {received, need, unannounced} <= '0;
      spaced <= 1'b1;
    end else begin
      if (starts && new_split) phase <= PEND;
      if (loads) begin
        phase <= BUSY;
        launch <= first;
        banks <= {first.data_banks, first.weight_banks};
      end
      if (lie_there) begin
        phase <= KEPT;
        was_done_at <= begin_at + T'(ENABLE_TO_KEPT_DONE);
      end
      if (loads || lie_there) kept <= first.keep_weights;
      if (ends_kept) phase <= DONE;
      if (last_update) begin
        phase <= DONE;
        was_done_at <= done_at;
      end
      if (ends) phase <= IDLE;

      if (loads) begin
        next_request <= (agrees ? now : begin_at) + T'(ENABLE_TO_REQUEST);
        address <= A'(first.weight_address >> LOG_ATOM);
        unrequested <= first.weight_bytes >> LOG_ATOM;
      end else if (requests) begin
        next_request <= next_request + T'(1);
        address <= address + A'(req_atoms);
        unrequested <= unrequested - 32'(req_atoms);
      end else if (blocked && release_valid) next_request <= later(next_request, now + T'(ROOM_TO_REQUEST));

      if (agrees) {held, stored, position} <= '0;
      else begin
        held <= held + (requests ? E'(req_atoms) : '0) - (release_valid ? released : '0);
        stored <= stored + E'(write) - (release_valid ? released : '0);
        if (write) position <= (position + E'(1) == capacity) ? '0 : position + E'(1);
      end
      waiting <= waiting + (W + 1)'(arrives) - (W + 1)'(write);
      if (arrives) tail <= tail + W'(1);
      if (write) head <= head + W'(1);

      spaced <= !announces;
      if (loads) begin
        received <= '0;
        need <= 32'(first.kernel_bytes) * 32'(ATOMIC_K);
        unannounced <= first.kernels;
      end else begin
        received <= received_now;
        if (announces) begin
          need <= need + group_bytes;
          unannounced <= last_group ? '0 : unannounced - 14'(ATOMIC_K);
        end
      end
    end
    if (arrives) spare[tail] <= arriving;
  end

endmodule
