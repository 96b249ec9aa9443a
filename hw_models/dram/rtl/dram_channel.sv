// A DRAM channel as it is co-simulated: the controller, and the device that its commands go to.

module dram_channel #(
    parameter int RANKS = 2,
    parameter int GROUPS = 4,
    parameter int BANKS = 4,
    parameter int ENTRIES = 32,
    parameter int ANSWERS = 32,
    parameter int MASTERS = 4,
    parameter int RULES = 43,
    localparam int B = $clog2(RANKS * GROUPS * BANKS),
    localparam int M = $clog2(MASTERS),
    localparam int A = 36,
    localparam int ROW = 8,
    localparam int COLUMN = 10,
    localparam int W = 12,
    localparam int L = 16,
    localparam int C = 16
) (
    // the rules, as the device has them
    input  logic [RULES-1:0][2:0]   rule_scope,
    input  logic [RULES-1:0][15:0]  rule_earlier,
    input  logic [RULES-1:0][15:0]  rule_later,
    input  logic [RULES-1:0][W-2:0] rule_least,
    input  logic [RULES-1:0]        rule_fourth,
    input  logic                    refresh_banks,
    input  logic [L-1:0]            interval,
    output logic [RULES-1:0]        broken,
    output logic [RULES-1:0]        met,
    output logic                    wrong_row,
    output logic                    early,

    `include "dram_ports.svh"
);

  dram_controller #(.RANKS(RANKS), .GROUPS(GROUPS), .BANKS(BANKS), .ENTRIES(ENTRIES), .ANSWERS(ANSWERS), .MASTERS(MASTERS)) controller (.*);
  dram_device #(.RANKS(RANKS), .GROUPS(GROUPS), .BANKS(BANKS), .RULES(RULES)) device (.*);
endmodule
