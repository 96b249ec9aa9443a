// NVDLA's memory interface: the twin of hw_models/nvdla/mcif.py, cycle by cycle.
//
// Reads: every client has a short queue of DMA requests, which are cut at multiples of the longest burst. One burst
// leaves a cycle, round robin over the clients whose latency buffer has room for theirs, while the beats in flight
// stay below the limit. Writes: likewise; a burst takes the write channel for its beats.
// Data are not held. Settings are inputs, stable from reset on. Times are cycles since reset.

module mcif #(
    parameter int CLIENTS = 4,
    parameter int REQUESTS = 4,  // DMA requests of a client that wait
    parameter int OUT = 4,       // bursts on the way out, each way
    parameter int A = 16,        // bits of an address, in beats
    parameter int D = 4,         // of a delay
    localparam int C = $clog2(CLIENTS),
    localparam int B = 5,   // of the beats of a request
    localparam int F = 10,  // of the beats in flight
    localparam int N = 24,  // of a counter
    localparam int T = 32   // of a time
) (
    input  logic clk,
    input  logic rst,

    // settings
    input  logic [2:0]                burst_shift,  // log2 of the beats of the longest burst
    input  logic [1:0][F-1:0]         outstanding,  // most beats in flight: reads, writes
    input  logic [7:0]                out_limit,
    input  logic [CLIENTS-1:0]        has_credits,
    input  logic [CLIENTS-1:0][7:0]   credits,      // beats that a client's latency buffer holds

    // DMA requests: reads, writes
    input  logic [1:0][CLIENTS-1:0]         req_valid,
    output logic [1:0][CLIENTS-1:0]         req_ready,
    input  logic [1:0][CLIENTS-1:0][A-1:0]  req_address,
    input  logic [1:0][CLIENTS-1:0][B-1:0]  req_beats,
    input  logic [1:0][CLIENTS-1:0][D-1:0]  req_delay,  // from the next cycle on, until it may be on the bus

    // bursts: reads, writes
    output logic [1:0]                out_valid,
    input  logic [1:0]                out_ready,
    output logic [1:0][C-1:0]         out_client,
    output logic [1:0][A-1:0]         out_address,
    output logic [1:0][B-1:0]         out_beats,

    // what comes back
    input  logic                      returned,      // a beat of data
    input  logic [CLIENTS-1:0]        passed_on,     // a latency buffer has room for one more beat
    input  logic [B-1:0]              acknowledged,  // beats of a write burst, or 0

    // what came of it
    output logic [1:0][CLIENTS-1:0][N-1:0]  bursts,
    output logic [1:0][CLIENTS-1:0][N-1:0]  beats,
    output logic [F-1:0]                    most_in_flight  // read beats
);

  localparam int SEEN = 3;  // cycles until a beat that is back, or an acknowledgement, makes room for a burst

  typedef struct packed {
    logic [T-1:0] ready;
    logic [A-1:0] address;
    logic [B-1:0] beats;
  } row_t;

  typedef struct packed {
    logic [C-1:0] client;
    logic [A-1:0] address;
    logic [B-1:0] beats;
  } burst_t;

  typedef struct {
    logic [T-1:0] now;
    logic [1:0][CLIENTS-1:0][7:0] count;
    logic [1:0][C-1:0] last;       // who sent the latest burst
    logic [1:0][T-1:0] next;       // when the channel is free again
    logic [1:0][F-1:0] in_flight;  // beats, those included that are back and not yet seen
    logic [F-1:0] moving;          // read beats, without those
    logic [SEEN-1:0][1:0][B-1:0] back;
    logic [CLIENTS-1:0][7:0] credit;
    logic [1:0][7:0] out_count;
    logic [1:0][CLIENTS-1:0][N-1:0] bursts, beats;
    logic [F-1:0] most;
  } state_t;

  state_t s;
  row_t rows[2][CLIENTS][REQUESTS];
  burst_t outs[2][OUT];

  // One clocked process works on these registers step by step, through the functions below.
  /* verilator lint_off BLKSEQ */

  // beats that the oldest request of a client sends next: writes come as bursts
  function automatic logic [B-1:0] size_of(logic w, logic [C-1:0] client);
    logic [B-1:0] longest, left;
    longest = B'(1) << burst_shift;
    left = longest - (B'(rows[w][client][0].address) & (longest - B'(1)));
    return (!w && left < rows[w][client][0].beats) ? left : rows[w][client][0].beats;
  endfunction

  function automatic logic wants(logic w, logic [C-1:0] client);
    if (s.count[w][client] == 0 || rows[w][client][0].ready > s.now) return 1'b0;
    return w || !has_credits[client] || s.credit[client] >= 8'(size_of(w, client));
  endfunction

  // round robin, whether it then may go or not
  function automatic logic [C:0] pick(logic w);
    logic [C-1:0] client;
    pick = '0;
    client = s.last[w];
    for (int n = 0; n < CLIENTS; n++) begin
      client = (client == C'(CLIENTS - 1)) ? '0 : client + C'(1);
      if (!pick[C] && wants(w, client)) pick = {1'b1, client};
    end
  endfunction

  function automatic void send(logic w, logic [C-1:0] client);
    logic [B-1:0] size;
    size = size_of(w, client);
    outs[w][s.out_count[w][$clog2(OUT)-1:0]] = '{client: client, address: rows[w][client][0].address, beats: size};
    s.out_count[w] = s.out_count[w] + 8'd1;
    s.bursts[w][client] = s.bursts[w][client] + N'(1);
    s.beats[w][client] = s.beats[w][client] + N'(size);
    s.in_flight[w] = s.in_flight[w] + F'(size);
    s.last[w] = client;
    s.next[w] = s.now + (w ? T'(size) : T'(1));
    if (!w) begin
      s.moving = s.moving + F'(size);
      if (s.moving > s.most) s.most = s.moving;
      if (has_credits[client]) s.credit[client] = s.credit[client] - 8'(size);
    end
    if (size == rows[w][client][0].beats) begin
      for (int n = 0; n < REQUESTS - 1; n++) rows[w][client][n] = rows[w][client][n+1];
      s.count[w][client] = s.count[w][client] - 8'd1;
    end else begin
      rows[w][client][0].beats = rows[w][client][0].beats - size;
      rows[w][client][0].address = rows[w][client][0].address + A'(size);
    end
  endfunction

  logic [1:0][CLIENTS-1:0] accepts;
  logic [1:0] pops;
  logic [C:0] choice;

  always_comb begin
    for (int w = 0; w < 2; w++) begin
      for (int c = 0; c < CLIENTS; c++) req_ready[w][c] = s.count[w][c] < 8'(REQUESTS);
      out_valid[w] = s.out_count[w] != 0;
      out_client[w] = out_valid[w] ? outs[w][0].client : '0;
      out_address[w] = out_valid[w] ? outs[w][0].address : '0;
      out_beats[w] = out_valid[w] ? outs[w][0].beats : '0;
    end
  end

  assign bursts = s.bursts;
  assign beats = s.beats;
  assign most_in_flight = s.most;

  always_ff @(posedge clk) begin
    if (rst) begin
      s = '{default: '0};
      s.credit = credits;
    end else begin
      accepts = req_valid & req_ready;
      pops = out_valid & out_ready;
      for (int w = 0; w < 2; w++) begin
        if (pops[w]) begin
          for (int n = 0; n < OUT - 1; n++) outs[w][n] = outs[w][n+1];
          s.out_count[w] = s.out_count[w] - 8'd1;
        end
        choice = pick(w[0]);
        if (choice[C] && s.out_count[w] < out_limit && s.next[w] <= s.now &&
            s.in_flight[w] + F'(size_of(w[0], choice[C-1:0])) <= outstanding[w]) send(w[0], choice[C-1:0]);

        for (int c = 0; c < CLIENTS; c++) begin
          if (accepts[w][c]) begin
            rows[w][c][s.count[w][c][$clog2(REQUESTS)-1:0]] = '{
                ready: s.now + T'(1) + T'(req_delay[w][c]), address: req_address[w][c], beats: req_beats[w][c]};
            s.count[w][c] = s.count[w][c] + 8'd1;
          end
        end
        s.in_flight[w] = s.in_flight[w] - F'(s.back[SEEN-1][w]);
      end

      for (int n = SEEN - 1; n > 0; n--) s.back[n] = s.back[n-1];
      s.back[0] = {acknowledged, B'(returned)};
      s.moving = s.moving - F'(returned);
      for (int c = 0; c < CLIENTS; c++) s.credit[c] = s.credit[c] + 8'(passed_on[c] && has_credits[c]);
      s.now = s.now + T'(1);
    end
  end
  /* verilator lint_on BLKSEQ */

endmodule
