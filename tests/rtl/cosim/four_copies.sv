// Four copy engines without buffers behind a crossbar that grants read addresses from the first engine on and write
// addresses from the last: behind a memory that answers in order, none gets on.
module four_copies #(
    parameter int ENGINES = 4,
    parameter int BEATS   = 4
) (
    input logic clk,
    input logic rst,

    output logic m_axi_arvalid,
    input logic m_axi_arready,
    output logic [1:0] m_axi_arid,
    output logic [31:0] m_axi_araddr,
    output logic [7:0] m_axi_arlen,
    input logic m_axi_rvalid,
    output logic m_axi_rready,
    input logic [1:0] m_axi_rid,
    input logic [63:0] m_axi_rdata,
    input logic m_axi_rlast,
    output logic m_axi_awvalid,
    input logic m_axi_awready,
    output logic [1:0] m_axi_awid,
    output logic [31:0] m_axi_awaddr,
    output logic [7:0] m_axi_awlen,
    output logic m_axi_wvalid,
    input logic m_axi_wready,
    output logic [63:0] m_axi_wdata,
    output logic m_axi_wlast,
    input logic m_axi_bvalid,
    output logic m_axi_bready
);
  logic [2:0] asked, granted;  // engines with a read address, with a write address
  logic [1:0] writer;  // whose data the write channel takes

  assign m_axi_arvalid = !rst && asked < ENGINES;
  assign m_axi_arid = 2'(asked);
  assign m_axi_araddr = 32'h1000 * (32'(asked) + 1);
  assign m_axi_awvalid = !rst && asked == ENGINES && granted < ENGINES;
  assign m_axi_awid = 2'(ENGINES - 1 - granted);
  assign m_axi_awaddr = 32'h10000 + 32'h1000 * 32'(m_axi_awid);
  assign {m_axi_arlen, m_axi_awlen} = {2{8'(BEATS - 1)}};

  wire passes = m_axi_rid == writer && 2'(ENGINES - 1 - writer) < granted;
  assign m_axi_wvalid = m_axi_rvalid && passes;
  assign m_axi_rready = m_axi_wready && passes;
  assign m_axi_wdata = m_axi_rdata;
  assign m_axi_wlast = m_axi_rlast;
  assign m_axi_bready = 1'b1;

  always_ff @(posedge clk) begin
    if (rst) begin
      {asked, granted} <= '0;
      writer <= 2'(ENGINES - 1);
    end else begin
      if (m_axi_arvalid && m_axi_arready) asked <= asked + 1;
      if (m_axi_awvalid && m_axi_awready) granted <= granted + 1;
      if (m_axi_wvalid && m_axi_wready && m_axi_wlast) writer <= writer - 1;
    end
  end
endmodule
