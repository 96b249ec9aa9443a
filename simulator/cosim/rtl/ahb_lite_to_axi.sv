// AHB-Lite (IHI 0033) to AXI4, for a manager of one outstanding transfer: each transfer is a burst of one beat,
// asked for in the cycle of its address phase; its data phase ends with the answer. Errors are AHB's two cycles.
module ahb_lite_to_axi #(
    parameter int WIDTH = 32
) (
    input logic hclk,
    input logic hresetn,

    input logic [31:0] haddr,
    input logic [1:0] htrans,
    input logic hwrite,
    input logic [2:0] hsize,
    input logic [WIDTH-1:0] hwdata,
    output logic [WIDTH-1:0] hrdata,
    output logic hready,
    output logic hresp,

    output logic m_axi_arvalid,
    input logic m_axi_arready,
    output logic [31:0] m_axi_araddr,
    output logic [7:0] m_axi_arlen,
    output logic [2:0] m_axi_arsize,
    output logic [1:0] m_axi_arburst,
    input logic m_axi_rvalid,
    output logic m_axi_rready,
    input logic [WIDTH-1:0] m_axi_rdata,
    input logic [1:0] m_axi_rresp,
    input logic m_axi_rlast,

    output logic m_axi_awvalid,
    input logic m_axi_awready,
    output logic [31:0] m_axi_awaddr,
    output logic [7:0] m_axi_awlen,
    output logic [2:0] m_axi_awsize,
    output logic [1:0] m_axi_awburst,
    output logic m_axi_wvalid,
    input logic m_axi_wready,
    output logic [WIDTH-1:0] m_axi_wdata,
    output logic [WIDTH/8-1:0] m_axi_wstrb,
    output logic m_axi_wlast,
    input logic m_axi_bvalid,
    output logic m_axi_bready,
    input logic [1:0] m_axi_bresp
);
  localparam int BYTES = WIDTH / 8;

  // the transfer in its data phase, and what of it has been taken
  logic busy, write, asked, given, failed;
  logic [31:0] address;
  logic [2:0] size;

  wire begins = htrans[1] && hready;
  wire answered = write ? m_axi_bvalid : m_axi_rvalid;
  wire error = answered && (write ? m_axi_bresp[1] : m_axi_rresp[1]);

  assign hready = !busy || (answered && !error) || failed;
  assign hresp = busy && (error || failed);
  assign hrdata = m_axi_rdata;

  // the address goes out in its own phase; it is held while it is not taken
  wire waits = busy && !asked;
  assign m_axi_arvalid = hresetn && (waits ? !write : begins && !hwrite);
  assign m_axi_awvalid = hresetn && (waits ? write : begins && hwrite);
  assign {m_axi_araddr, m_axi_awaddr} = {2{waits ? address : haddr}};
  assign {m_axi_arsize, m_axi_awsize} = {2{waits ? size : hsize}};
  assign {m_axi_arlen, m_axi_awlen} = '0;
  assign {m_axi_arburst, m_axi_awburst} = {2'b01, 2'b01};
  assign m_axi_rready = busy && !write && !failed;
  assign m_axi_bready = busy && write && !failed;

  assign m_axi_wvalid = busy && write && !given;
  assign m_axi_wdata = hwdata;
  assign m_axi_wstrb = BYTES'((64'd1 << (64'd1 << size)) - 64'd1) << (address % BYTES);
  assign m_axi_wlast = 1'b1;

  always_ff @(posedge hclk) begin
    if (!hresetn) {busy, write, asked, given, failed} <= '0;
    else begin
      failed <= busy && error;
      if (hready) begin
        busy <= begins;
        write <= hwrite;
        address <= haddr;
        size <= hsize;
        asked <= hwrite ? m_axi_awready : m_axi_arready;
        given <= 1'b0;
      end else begin
        if (write ? m_axi_awready : m_axi_arready) asked <= 1'b1;
        if (m_axi_wvalid && m_axi_wready) given <= 1'b1;
      end
    end
  end
endmodule
