// Registers behind APB and NVDLA's CSB, for the tests of what drives them. Words are kept by their word address.
// CSB word 16'h0403 is an interrupt status: a write of 1 to CSB word 16'h240e (SDP.D_OP_ENABLE of nv_small) sets
// its bit 0 after 20 cycles, a write clears the bits that it sets. CSB answers after 1 to 4 cycles.

module register_bank (
    input  logic        clk,
    input  logic        rst,
    output logic        irq,
    input  logic        psel,
    input  logic        penable,
    input  logic        pwrite,
    input  logic [15:0] paddr,
    input  logic [31:0] pwdata,
    output logic [31:0] prdata,
    output logic        pready,
    output logic        pslverr,
    input  logic        csb2nvdla_valid,
    output logic        csb2nvdla_ready,
    input  logic [15:0] csb2nvdla_addr,
    input  logic [31:0] csb2nvdla_wdat,
    input  logic        csb2nvdla_write,
    input  logic        csb2nvdla_nposted,
    output logic        nvdla2csb_valid,
    output logic [31:0] nvdla2csb_data,
    output logic        nvdla2csb_wr_complete
);

  localparam logic [15:0] STATUS = 16'h0403, ENABLE = 16'h240e;
  logic [31:0] apb_words [65536];
  logic [31:0] csb_words [65536];

  // APB: two wait states, an error above 16'hff00
  logic [1:0] waited;
  assign pready = psel && penable && waited == 2'd2;
  assign pslverr = pready && paddr >= 16'hff00;
  assign prdata = pready ? apb_words[paddr] : 32'hdeadbeef;
  always_ff @(posedge clk) begin
    waited <= (rst || !penable || pready) ? 2'd0 : waited + 2'd1;
    if (pready && pwrite && !pslverr) apb_words[paddr] <= pwdata;
  end

  // CSB
  logic [1:0] left;
  logic under_way, is_write;
  logic [31:0] answer, status;
  logic [4:0] until_done;
  wire take = csb2nvdla_valid && csb2nvdla_ready;
  assign csb2nvdla_ready = !under_way;
  assign irq = status != '0;
  assign nvdla2csb_valid = under_way && left == 2'd0 && !is_write;
  assign nvdla2csb_wr_complete = under_way && left == 2'd0 && is_write;
  assign nvdla2csb_data = answer;
  always_ff @(posedge clk) begin
    if (rst) begin
      {under_way, is_write, left, status, until_done} <= '0;
    end else begin
      if (take) begin
        under_way <= 1'b1;
        is_write <= csb2nvdla_write;
        left <= csb2nvdla_addr[1:0];
        answer <= csb2nvdla_addr == STATUS ? status : csb_words[csb2nvdla_addr];
        if (csb2nvdla_write) csb_words[csb2nvdla_addr] <= csb2nvdla_wdat;
      end else if (left != 2'd0) left <= left - 2'd1;
      else under_way <= 1'b0;
      if (until_done != 5'd0) until_done <= until_done - 5'd1;
      if (until_done == 5'd1) status[0] <= 1'b1;
      if (take && csb2nvdla_write && csb2nvdla_addr == ENABLE) until_done <= 5'd20;
      if (take && csb2nvdla_write && csb2nvdla_addr == STATUS) status <= status & ~csb2nvdla_wdat;
    end
  end

  wire unused = &{1'b0, csb2nvdla_nposted};

endmodule
