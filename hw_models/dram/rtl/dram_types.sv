// Commands and policies of a DRAM channel, with the numbers that hw_models/dram/names.py gives them.

package dram_types;
  localparam logic [3:0] READ = 4'd1, WRITE = 4'd2, ACTIVATE = 4'd3, PRECHARGE = 4'd4, PRECHARGE_ALL = 4'd5;
  localparam logic [3:0] REFRESH = 4'd6, REFRESH_BANK = 4'd7, READ_AUTO = 4'd13, WRITE_AUTO = 4'd14;

  localparam logic [2:0] FCFS = 3'd0, COLUMN_FIRST = 3'd2, PRIORITY = 3'd3;     // scheduler; 1: fr_fcfs
  localparam logic [1:0] CLOSED = 2'd1, TIMEOUT = 2'd2, ADAPTIVE = 2'd3;        // page; 0: open
  localparam logic [1:0] UNGUARDED = 2'd0, ALL_HITS = 2'd2;                     // protect; 1: older_hits
  localparam logic [1:0] ACCEPTED = 2'd0, ISSUED = 2'd1;                        // write_response; 2: written

  // scopes of a timing rule: what two commands share, and what tells them apart
  localparam logic [2:0] BANK = 3'd0, OTHER_BANK = 3'd1, GROUP = 3'd2, OTHER_GROUP = 3'd3, OTHER_RANK = 3'd5;
endpackage
