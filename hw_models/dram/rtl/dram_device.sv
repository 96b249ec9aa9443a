// The device at the end of the command bus: does what it is sent obey the rules? It knows their table, which its
// inputs are (hw_models/dram/rules.py), nothing of the controller: the twin of hw_models/dram/protocol.py.
//
// For every command it tells which rules are broken and which are met to the clock, and whether the rows are open
// or closed that the command needs so, and a refresh not before its time. Ages end at the top of their range.

module dram_device
  import dram_types::*;
#(
    parameter int RANKS = 2,
    parameter int GROUPS = 4,
    parameter int BANKS = 4,
    parameter int RULES = 42,
    localparam int PER_RANK = GROUPS * BANKS,
    localparam int ALL = RANKS * PER_RANK,
    localparam int B = $clog2(ALL),
    localparam int ROW = 8,
    localparam int W = 12,
    localparam int L = 16
) (
    input  logic clk,
    input  logic rst,

    // the rules: of commands by their number, a bit each
    input  logic [RULES-1:0][2:0]   rule_scope,
    input  logic [RULES-1:0][15:0]  rule_earlier,
    input  logic [RULES-1:0][15:0]  rule_later,
    input  logic [RULES-1:0][W-2:0] rule_least,   // clocks
    input  logic [RULES-1:0]        rule_fourth,  // of the fourth one back
    input  logic                    refresh_banks,  // one by one
    input  logic [L-1:0]            interval,       // of refreshes

    input  logic           cmd_valid,
    input  logic [3:0]     cmd,
    input  logic [B-1:0]   cmd_bank,
    input  logic [ROW-1:0] cmd_row,

    output logic [RULES-1:0] broken,
    output logic [RULES-1:0] met,
    output logic             wrong_row,
    output logic             early
);

  localparam logic [3:0] CLOSING = 4'd15;  // the precharge that a column command starts by itself
  localparam logic signed [W-1:0] OLD = {1'b0, {(W - 1) {1'b1}}};

  typedef logic signed [W-1:0] age_t;  // clocks since; below 0: it is still to come

  age_t ages[ALL][16];  // of the last command of each kind; those of a whole rank at its first bank
  age_t acts[RANKS][3];  // of the second, third and fourth ACT back
  logic [ALL-1:0] open;
  logic [ROW-1:0] rows[ALL];
  logic signed [L+7:0] due[RANKS];  // of a rank's next refresh

  function automatic logic in_scope(logic [2:0] scope, int bank);
    case (scope)
      BANK: return bank == int'(cmd_bank);
      OTHER_BANK: return bank / PER_RANK == int'(cmd_bank) / PER_RANK && bank != int'(cmd_bank);
      GROUP: return bank / BANKS == int'(cmd_bank) / BANKS;
      OTHER_GROUP: return bank / PER_RANK == int'(cmd_bank) / PER_RANK && bank / BANKS != int'(cmd_bank) / BANKS;
      OTHER_RANK: return bank / PER_RANK != int'(cmd_bank) / PER_RANK;
      default: return bank / PER_RANK == int'(cmd_bank) / PER_RANK;
    endcase
  endfunction

  // since the youngest command that a rule counts from
  function automatic age_t distance(int rule);
    distance = OLD;
    for (int b = 0; b < ALL; b++) begin
      if (in_scope(rule_scope[rule], b)) begin
        for (int c = 0; c < 16; c++) begin
          if (rule_earlier[rule][c] && ages[b][c] < distance) distance = ages[b][c];
        end
      end
    end
    if (rule_fourth[rule]) distance = acts[int'(cmd_bank)/PER_RANK][2];
  endfunction

  logic of_rank, is_column, closes, rank_open;
  age_t apart;

  always_comb begin
    of_rank = cmd == REFRESH || cmd == PRECHARGE_ALL;
    is_column = cmd == READ || cmd == WRITE;
    closes = cmd == READ_AUTO || cmd == WRITE_AUTO;
    broken = '0;
    met = '0;
    apart = '0;
    for (int n = 0; n < RULES; n++) begin
      if (cmd_valid && rule_later[n][cmd]) begin
        apart = distance(n);
        broken[n] = apart < age_t'({1'b0, rule_least[n]});
        met[n] = apart == age_t'({1'b0, rule_least[n]});
      end
    end

    rank_open = 1'b0;
    for (int b = 0; b < ALL; b++) begin
      if (open[b] && b / PER_RANK == int'(cmd_bank) / PER_RANK) rank_open = 1'b1;
    end
    wrong_row = 1'b0;
    if (is_column) wrong_row = !open[cmd_bank] || rows[cmd_bank] != cmd_row;
    if (closes || cmd == PRECHARGE) wrong_row = !open[cmd_bank];
    if (cmd == ACTIVATE || cmd == REFRESH_BANK) wrong_row = open[cmd_bank];
    if (cmd == REFRESH) wrong_row = rank_open;
    if (!cmd_valid) wrong_row = 1'b0;
    early = cmd_valid && cmd == (refresh_banks ? REFRESH_BANK : REFRESH) && due[int'(cmd_bank)/PER_RANK] > 0;
  end

  // One clocked process works on the registers step by step.
  /* verilator lint_off BLKSEQ */

  // until the precharge that a column command starts: as early as a PRE might have come
  function automatic age_t until_closing();
    age_t left;
    until_closing = '0;
    for (int n = 0; n < RULES; n++) begin
      if (rule_scope[n] == BANK && rule_later[n][PRECHARGE]) begin
        left = age_t'({1'b0, rule_least[n]});
        if (rule_earlier[n][ACTIVATE]) left = left - ages[cmd_bank][ACTIVATE];
        if ((rule_earlier[n][ACTIVATE] || rule_earlier[n][cmd]) && left > until_closing) until_closing = left;
      end
    end
  endfunction

  age_t closing;
  int place;

  always_ff @(posedge clk) begin
    if (rst) begin
      for (int b = 0; b < ALL; b++) for (int c = 0; c < 16; c++) ages[b][c] = OLD;
      for (int r = 0; r < RANKS; r++) for (int n = 0; n < 3; n++) acts[r][n] = OLD;
      for (int r = 0; r < RANKS; r++) due[r] = (L + 8)'(interval) - (L + 8)'(1);  // the first cycle is cycle 1
      open = '0;
    end else begin
      closing = until_closing();
      place = int'(cmd_bank) / PER_RANK;
      if (cmd_valid && cmd == ACTIVATE) begin
        acts[place][2] = acts[place][1];
        acts[place][1] = acts[place][0];
        acts[place][0] = youngest_act(place);
      end
      for (int b = 0; b < ALL; b++) begin
        for (int c = 0; c < 16; c++) if (ages[b][c] != OLD) ages[b][c] = ages[b][c] + age_t'(1);
      end
      for (int r = 0; r < RANKS; r++) begin
        for (int n = 0; n < 3; n++) if (acts[r][n] != OLD) acts[r][n] = acts[r][n] + age_t'(1);
        due[r] = due[r] - (L + 8)'(1);
      end
      if (cmd_valid) begin
        ages[of_rank ? B'(place * PER_RANK) : cmd_bank][cmd] = age_t'(1);
        if (closes) ages[cmd_bank][CLOSING] = age_t'(1) - closing;
        if (cmd == ACTIVATE) begin
          open[cmd_bank] = 1'b1;
          rows[cmd_bank] = cmd_row;
        end
        if (closes || cmd == PRECHARGE) open[cmd_bank] = 1'b0;
        for (int b = 0; b < ALL; b++) if (cmd == PRECHARGE_ALL && b / PER_RANK == place) open[b] = 1'b0;
        if (cmd == (refresh_banks ? REFRESH_BANK : REFRESH)) due[place] = due[place] + (L + 8)'(interval);
      end
    end
  end
  /* verilator lint_on BLKSEQ */

  function automatic age_t youngest_act(int r);
    youngest_act = OLD;
    for (int b = 0; b < ALL; b++) begin
      if (b / PER_RANK == r && ages[b][ACTIVATE] < youngest_act) youngest_act = ages[b][ACTIVATE];
    end
  endfunction

endmodule
