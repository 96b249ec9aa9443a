// A copy engine: reads bursts ahead as far as its buffer has room, writes them as they are whole.
module mover #(
    parameter int WIDTH = 64,
    parameter int BEATS = 16,
    parameter int DEPTH = 64,
    parameter int ID_BITS = 4
) (
    input logic clk,
    input logic rst,
    input logic start,
    input logic [63:0] source,
    input logic [63:0] target,
    input logic [31:0] bursts,
    input logic [3:0] shape, // 0: plain; bit 0: data before address; bit 1: an id a burst; bit 2: slow to take; bit 3: exclusive
    output logic busy,

    output logic m_axi_arvalid,
    input logic m_axi_arready,
    output logic [ID_BITS-1:0] m_axi_arid,
    output logic [63:0] m_axi_araddr,
    output logic [7:0] m_axi_arlen,
    output logic [2:0] m_axi_arsize,
    output logic [1:0] m_axi_arburst,
    output logic m_axi_arlock,
    input logic m_axi_rvalid,
    output logic m_axi_rready,
    input logic [ID_BITS-1:0] m_axi_rid,
    input logic [WIDTH-1:0] m_axi_rdata,
    input logic [1:0] m_axi_rresp,
    input logic m_axi_rlast,

    output logic m_axi_awvalid,
    input logic m_axi_awready,
    output logic [ID_BITS-1:0] m_axi_awid,
    output logic [63:0] m_axi_awaddr,
    output logic [7:0] m_axi_awlen,
    output logic [2:0] m_axi_awsize,
    output logic [1:0] m_axi_awburst,
    output logic m_axi_awlock,
    output logic m_axi_wvalid,
    input logic m_axi_wready,
    output logic [WIDTH-1:0] m_axi_wdata,
    output logic [WIDTH/8-1:0] m_axi_wstrb,
    output logic m_axi_wlast,
    input logic m_axi_bvalid,
    output logic m_axi_bready,
    input logic [ID_BITS-1:0] m_axi_bid,
    input logic [1:0] m_axi_bresp,

    // AXI4-Lite, on a clock of its own: reads and adds words while `poll` is high
    input logic slow_clk,
    input logic poll,
    output logic [31:0] polled,
    output logic [31:0] sum,
    output logic poll_arvalid,
    input logic poll_arready,
    output logic [31:0] poll_araddr,
    input logic poll_rvalid,
    output logic poll_rready,
    input logic [31:0] poll_rdata,
    input logic [1:0] poll_rresp
);
  localparam int BYTES = BEATS * WIDTH / 8;

  logic [WIDTH-1:0] buffer[DEPTH];
  logic [31:0] asked, taken, sent, given, answered;  // bursts asked; beats in, out; addresses; answers
  logic [ 7:0] beat;
  logic [ 7:0] noise;

  assign m_axi_arlen   = 8'(BEATS - 1);
  assign m_axi_awlen   = 8'(BEATS - 1);
  assign m_axi_arsize  = 3'($clog2(WIDTH / 8));
  assign m_axi_awsize  = 3'($clog2(WIDTH / 8));
  assign m_axi_arburst = 2'd1;
  assign m_axi_awburst = 2'd1;
  assign m_axi_arlock  = shape[3];
  assign m_axi_awlock  = 1'b0;
  assign m_axi_arid    = shape[1] ? 0 : ID_BITS'(0);
  assign m_axi_awid    = shape[1] ? ID_BITS'(given) : ID_BITS'(0);

  // reads: as far ahead as the buffer has room
  assign m_axi_arvalid = busy && asked < bursts && (asked + 1) * BEATS - sent <= DEPTH;
  assign m_axi_araddr  = source + asked * BYTES;
  assign m_axi_rready  = busy && (!shape[2] || noise[0]);

  // writes: a burst at a time, once it is whole in the buffer
  wire whole = taken - sent >= BEATS - 32'(beat);
  wire ahead = given > sent / BEATS;  // the address of the burst under way has gone
  wire data_done = sent / BEATS > given;  // or its data have, and the address is still to go
  assign m_axi_awvalid = busy && given < bursts &&
      (shape[0] ? data_done : (whole && !ahead));
  assign m_axi_awaddr = target + given * BYTES;
  assign m_axi_wvalid = busy && sent < bursts * BEATS && whole && (shape[0] ? !data_done : ahead);
  assign m_axi_wdata = buffer[sent%DEPTH];
  assign m_axi_wstrb = '1;
  assign m_axi_wlast = beat == 8'(BEATS - 1);
  assign m_axi_bready = busy && (!shape[2] || noise[1]);

  always_ff @(posedge clk) begin
    noise <= rst ? 8'h5a : {noise[6:0], noise[7] ^ noise[5] ^ noise[4] ^ noise[3]};
    if (rst) begin
      busy <= 0;
      {asked, taken, sent, given, answered} <= '0;
      beat <= 0;
    end else if (start && !busy) begin
      busy <= 1;
      {asked, taken, sent, given, answered} <= '0;
      beat <= 0;
    end else if (busy) begin
      if (m_axi_arvalid && m_axi_arready) asked <= asked + 1;
      if (m_axi_rvalid && m_axi_rready) begin
        buffer[taken%DEPTH] <= m_axi_rdata;
        taken <= taken + 1;
      end
      if (m_axi_awvalid && m_axi_awready) given <= given + 1;
      if (m_axi_wvalid && m_axi_wready) begin
        sent <= sent + 1;
        beat <= m_axi_wlast ? 0 : beat + 1;
      end
      if (m_axi_bvalid && m_axi_bready) begin
        answered <= answered + 1;
        if (answered + 1 == bursts) busy <= 0;
      end
    end
  end

  logic asking, started;
  assign poll_arvalid = asking;
  assign poll_araddr  = 32'(source) + 4 * polled;
  assign poll_rready  = 1'b1;
  always_ff @(posedge slow_clk) begin
    if (rst) begin
      asking <= 0;
      started <= 0;
      polled <= 0;
      sum <= 0;
    end else begin
      if (poll_arvalid && poll_arready) asking <= 0;
      else if (poll && !started) asking <= 1;
      started <= poll;
      if (poll_rvalid) begin
        sum <= sum + poll_rdata;
        polled <= polled + 1;
        asking <= poll;
      end
    end
  end
endmodule
