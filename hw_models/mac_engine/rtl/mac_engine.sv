// Matrix-vector engine: y[r] = sum over k of a[r][k] * x[k], signed bytes in, 32-bit sums out. An AXI4 manager that
// fetches the vector and then the rows, eight products a cycle, and an AXI4-Lite subordinate with its registers.
// The twin of hw_models/mac_engine/block.py, cycle by cycle.
//
//   0x00 CONTROL   write 1: start          0x10 ROWS      1 .. 65535
//   0x04 STATUS    bit 0 busy, bit 1 done  0x14 ROW_BEATS 1 .. DEPTH beats of 8 B
//                  (write 2: clear done)   0x18 VECTOR    address of x
//   0x08 SOURCE    address of a, by rows   0x0c TARGET    address of y, 8 B a row, sign-extended
//
// A row and the vector lie within a block of 4 KiB. A row holds one of PLACES from its read to the response to its
// write: so many rows are under way at most, and nothing is ever dropped.

module mac_engine #(
    parameter int PLACES = 4,
    parameter int DEPTH = 64,
    localparam int P = $clog2(PLACES + 1),
    localparam int Q = $clog2(PLACES),
    localparam int D = $clog2(DEPTH)
) (
    input  logic        clk,
    input  logic        rst,
    output logic        irq,

    input  logic        s_axil_awvalid,
    output logic        s_axil_awready,
    input  logic [7:0]  s_axil_awaddr,
    input  logic [2:0]  s_axil_awprot,
    input  logic        s_axil_wvalid,
    output logic        s_axil_wready,
    input  logic [31:0] s_axil_wdata,
    input  logic [3:0]  s_axil_wstrb,
    output logic        s_axil_bvalid,
    input  logic        s_axil_bready,
    output logic [1:0]  s_axil_bresp,
    input  logic        s_axil_arvalid,
    output logic        s_axil_arready,
    input  logic [7:0]  s_axil_araddr,
    input  logic [2:0]  s_axil_arprot,
    output logic        s_axil_rvalid,
    input  logic        s_axil_rready,
    output logic [31:0] s_axil_rdata,
    output logic [1:0]  s_axil_rresp,

    output logic        m_axi_arvalid,
    input  logic        m_axi_arready,
    output logic [0:0]  m_axi_arid,
    output logic [31:0] m_axi_araddr,
    output logic [7:0]  m_axi_arlen,
    output logic [2:0]  m_axi_arsize,
    output logic [1:0]  m_axi_arburst,
    input  logic        m_axi_rvalid,
    output logic        m_axi_rready,
    input  logic [0:0]  m_axi_rid,
    input  logic [63:0] m_axi_rdata,
    input  logic [1:0]  m_axi_rresp,
    input  logic        m_axi_rlast,
    output logic        m_axi_awvalid,
    input  logic        m_axi_awready,
    output logic [0:0]  m_axi_awid,
    output logic [31:0] m_axi_awaddr,
    output logic [7:0]  m_axi_awlen,
    output logic [2:0]  m_axi_awsize,
    output logic [1:0]  m_axi_awburst,
    output logic        m_axi_wvalid,
    input  logic        m_axi_wready,
    output logic [63:0] m_axi_wdata,
    output logic [7:0]  m_axi_wstrb,
    output logic        m_axi_wlast,
    input  logic        m_axi_bvalid,
    output logic        m_axi_bready,
    input  logic [0:0]  m_axi_bid,
    input  logic [1:0]  m_axi_bresp
);

  // registers
  logic busy, done;
  logic [31:0] source, target, vector_address;
  logic [15:0] rows;
  logic [D:0] row_beats;

  wire write = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid;
  wire start = write && s_axil_awaddr == 8'h00 && s_axil_wdata[0] && !busy;
  assign s_axil_awready = write;
  assign s_axil_wready = write;
  assign s_axil_arready = !s_axil_rvalid;
  assign s_axil_bresp = 2'b00;
  assign s_axil_rresp = 2'b00;
  assign irq = done;

  always_ff @(posedge clk) begin
    if (rst) begin
      s_axil_bvalid <= 1'b0;
      s_axil_rvalid <= 1'b0;
      {source, target, vector_address} <= '0;
      rows <= 16'd1;
      row_beats <= (D + 1)'(1);
    end else begin
      if (write) begin
        s_axil_bvalid <= 1'b1;
        case (s_axil_awaddr)
          8'h08: source <= s_axil_wdata;
          8'h0c: target <= s_axil_wdata;
          8'h10: rows <= s_axil_wdata[15:0];
          8'h14: row_beats <= s_axil_wdata[D:0];
          8'h18: vector_address <= s_axil_wdata;
          default: ;
        endcase
      end else if (s_axil_bready) begin
        s_axil_bvalid <= 1'b0;
      end
      if (s_axil_arvalid && s_axil_arready) begin
        s_axil_rvalid <= 1'b1;
        case (s_axil_araddr)
          8'h04: s_axil_rdata <= {30'd0, done, busy};
          8'h08: s_axil_rdata <= source;
          8'h0c: s_axil_rdata <= target;
          8'h10: s_axil_rdata <= {16'd0, rows};
          8'h14: s_axil_rdata <= 32'(row_beats);
          8'h18: s_axil_rdata <= vector_address;
          default: s_axil_rdata <= '0;
        endcase
      end else if (s_axil_rready) begin
        s_axil_rvalid <= 1'b0;
      end
    end
  end

  // reads: the vector, then the rows
  logic [16:0] bursts_left;
  logic [31:0] read_address;
  logic [P-1:0] places;
  logic vector_asked;
  wire ask = m_axi_arvalid && m_axi_arready;
  wire beat = m_axi_rvalid && m_axi_rready;
  assign m_axi_arvalid = busy && bursts_left != 17'd0 && places != '0;
  assign m_axi_arid = 1'b0;
  assign m_axi_araddr = read_address;
  assign m_axi_arlen = 8'(row_beats) - 8'd1;
  assign m_axi_arsize = 3'd3;
  assign m_axi_arburst = 2'b01;
  assign m_axi_rready = 1'b1;

  // products: the vector's beats fill `x`, a row's are multiplied and summed up
  logic [63:0] x [DEPTH];
  logic [D-1:0] k;
  logic vector_here, sum_valid;
  logic signed [31:0] sum;
  logic signed [31:0] products;
  always_comb begin
    products = '0;
    for (int i = 0; i < 8; i++)
      products += 32'(signed'(m_axi_rdata[8*i +: 8]) * signed'(x[k][8*i +: 8]));
  end
  wire free_vector = beat && m_axi_rlast && !vector_here;
  always_ff @(posedge clk) begin
    sum_valid <= beat && m_axi_rlast && vector_here;
    if (rst || start) begin
      k <= '0;
      vector_here <= 1'b0;
    end else if (beat) begin
      k <= m_axi_rlast ? '0 : k + D'(1);
      if (vector_here) sum <= (k == '0 ? 32'sd0 : sum) + products;
      else x[k] <= m_axi_rdata;
      if (m_axi_rlast) vector_here <= 1'b1;
    end
  end

  // writes: a sum each, from a queue
  logic [31:0] queue [PLACES];
  logic [Q-1:0] head, tail;
  logic [P-1:0] queued;
  logic [31:0] write_address;
  logic address_gone, data_gone;
  logic [15:0] unanswered;
  wire address_goes = m_axi_awvalid && m_axi_awready;
  wire data_goes = m_axi_wvalid && m_axi_wready;
  wire gone = queued != '0 && (address_gone || address_goes) && (data_gone || data_goes);
  wire answer = m_axi_bvalid && m_axi_bready;
  assign m_axi_awvalid = queued != '0 && !address_gone;
  assign m_axi_wvalid = queued != '0 && !data_gone;
  assign m_axi_awid = 1'b0;
  assign m_axi_awaddr = write_address;
  assign m_axi_awlen = 8'd0;
  assign m_axi_awsize = 3'd3;
  assign m_axi_awburst = 2'b01;
  assign m_axi_wdata = {{32{queue[head][31]}}, queue[head]};
  assign m_axi_wstrb = 8'hff;
  assign m_axi_wlast = 1'b1;
  assign m_axi_bready = 1'b1;

  function automatic logic [Q-1:0] after(logic [Q-1:0] place);
    return place == Q'(PLACES - 1) ? '0 : place + Q'(1);
  endfunction

  always_ff @(posedge clk) begin
    if (rst) begin
      {busy, done, vector_asked, address_gone, data_gone} <= '0;
      {bursts_left, read_address, write_address, unanswered} <= '0;
      {head, tail, queued} <= '0;
      places <= P'(PLACES);
    end else begin
      if (write && s_axil_awaddr == 8'h04 && s_axil_wdata[1]) done <= 1'b0;
      if (start) begin
        busy <= 1'b1;
        bursts_left <= 17'(rows) + 17'd1;
        unanswered <= rows;
        read_address <= vector_address;
        vector_asked <= 1'b0;
        write_address <= target;
      end
      if (ask) begin
        bursts_left <= bursts_left - 17'd1;
        vector_asked <= 1'b1;
        read_address <= vector_asked ? read_address + (32'(row_beats) << 3) : source;
      end
      places <= places - P'(ask) + P'(free_vector) + P'(answer);
      if (sum_valid) begin
        queue[tail] <= sum;
        tail <= after(tail);
      end
      queued <= queued + P'(sum_valid) - P'(gone);
      address_gone <= gone ? 1'b0 : address_gone || address_goes;
      data_gone <= gone ? 1'b0 : data_gone || data_goes;
      if (gone) begin
        head <= after(head);
        write_address <= write_address + 32'd8;
      end
      if (answer) begin
        unanswered <= unanswered - 16'd1;
        if (unanswered == 16'd1) begin
          busy <= 1'b0;
          done <= 1'b1;
        end
      end
    end
  end

  wire unused = &{1'b0, s_axil_awprot, s_axil_arprot, s_axil_wstrb, m_axi_rid, m_axi_rresp, m_axi_bid, m_axi_bresp};

endmodule
