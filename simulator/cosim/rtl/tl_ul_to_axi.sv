// TileLink Uncached Lightweight (TileLink 1.8, 6) to AXI4: Get, PutFullData and PutPartialData of up to a beat, any
// number in flight. A source is an id; answers of a source that has one message in flight need no order.
module tl_ul_to_axi #(
    parameter int WIDTH = 32,
    parameter int ADDRESS = 32,
    parameter int SOURCE = 4
) (
    input logic clk,
    input logic rst,

    input logic a_valid,
    output logic a_ready,
    input logic [2:0] a_opcode,
    input logic [2:0] a_size,
    input logic [SOURCE-1:0] a_source,
    input logic [ADDRESS-1:0] a_address,
    input logic [WIDTH/8-1:0] a_mask,
    input logic [WIDTH-1:0] a_data,
    output logic d_valid,
    input logic d_ready,
    output logic [2:0] d_opcode,
    output logic [2:0] d_size,
    output logic [SOURCE-1:0] d_source,
    output logic d_denied,
    output logic [WIDTH-1:0] d_data,

    output logic m_axi_arvalid,
    input logic m_axi_arready,
    output logic [SOURCE-1:0] m_axi_arid,
    output logic [ADDRESS-1:0] m_axi_araddr,
    output logic [7:0] m_axi_arlen,
    output logic [2:0] m_axi_arsize,
    output logic [1:0] m_axi_arburst,
    input logic m_axi_rvalid,
    output logic m_axi_rready,
    input logic [SOURCE-1:0] m_axi_rid,
    input logic [WIDTH-1:0] m_axi_rdata,
    input logic [1:0] m_axi_rresp,
    input logic m_axi_rlast,

    output logic m_axi_awvalid,
    input logic m_axi_awready,
    output logic [SOURCE-1:0] m_axi_awid,
    output logic [ADDRESS-1:0] m_axi_awaddr,
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
    input logic [SOURCE-1:0] m_axi_bid,
    input logic [1:0] m_axi_bresp
);
  localparam logic [2:0] GET = 3'd4, ACCESS_ACK = 3'd0, ACCESS_ACK_DATA = 3'd1;

  wire is_get = a_opcode == GET;

  // a put needs both channels: what one has taken is not offered again
  logic address_done, data_done;
  wire address_taken = address_done || m_axi_awready;
  wire data_taken = data_done || m_axi_wready;
  assign a_ready = !rst && (is_get ? m_axi_arready : address_taken && data_taken);

  assign m_axi_arvalid = !rst && a_valid && is_get;
  assign m_axi_awvalid = !rst && a_valid && !is_get && !address_done;
  assign m_axi_wvalid = !rst && a_valid && !is_get && !data_done;
  assign {m_axi_arid, m_axi_awid} = {2{a_source}};
  assign {m_axi_araddr, m_axi_awaddr} = {2{a_address}};
  assign {m_axi_arsize, m_axi_awsize} = {2{a_size}};
  assign {m_axi_arlen, m_axi_awlen} = '0;
  assign {m_axi_arburst, m_axi_awburst} = {2'b01, 2'b01};
  assign m_axi_wdata = a_data;
  assign m_axi_wstrb = a_mask;
  assign m_axi_wlast = 1'b1;

  // answers: one that is offered stays, else reads go first
  logic holds_put;
  wire gives_put = holds_put || !m_axi_rvalid;
  assign d_valid = m_axi_rvalid || m_axi_bvalid;
  assign d_opcode = gives_put ? ACCESS_ACK : ACCESS_ACK_DATA;
  assign d_source = gives_put ? m_axi_bid : m_axi_rid;
  assign d_denied = gives_put ? m_axi_bresp[1] : m_axi_rresp[1];
  assign d_data = m_axi_rdata;
  assign m_axi_rready = d_ready && !gives_put;
  assign m_axi_bready = d_ready && gives_put;

  logic [2:0] sizes[2**SOURCE];  // of the message in flight of each source
  assign d_size = sizes[d_source];

  always_ff @(posedge clk) begin
    if (rst) {address_done, data_done, holds_put} <= '0;
    else begin
      holds_put <= m_axi_bvalid && gives_put && !d_ready;
      address_done <= m_axi_awvalid && m_axi_awready ? !data_taken : address_done && !data_taken;
      data_done <= m_axi_wvalid && m_axi_wready ? !address_taken : data_done && !address_taken;
      if (a_valid && a_ready) sizes[a_source] <= a_size;
    end
  end
endmodule
