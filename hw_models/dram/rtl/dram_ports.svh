// The ports of a DRAM controller, which the channel around it has too; B, M, A, ROW, COLUMN, W, L, C: bits of each.
    input  logic clk,
    input  logic rst,

    // settings: what is there; a bit of bank, row and column is the parity of the address bits in its mask
    input  logic [3:0]                ranks,
    input  logic                      shared_bus,  // ranks share the data bus: they are no pseudo-channels
    input  logic [B-1:0][A-1:0]       bank_mask,
    input  logic [ROW-1:0][A-1:0]     row_mask,
    input  logic [COLUMN-1:0][A-1:0]  column_mask,
    // timing [clocks]
    input  logic [1:0][1:0][2:0][W-1:0] gap,  // column commands: earlier is write, later is, same group/rank/other
    input  logic [1:0][W-1:0]         act_gap,  // of a group, of a rank
    input  logic [W-1:0]              faw,
    input  logic [1:0][W-1:0]         rcd,
    input  logic [W-1:0]              ras,
    input  logic [W-1:0]              rc,
    input  logic [W-1:0]              rp,
    input  logic [W-1:0]              rp_all,
    input  logic [W-1:0]              ppd,
    input  logic [1:0][W-1:0]         to_pre,
    input  logic [1:0][W-1:0]         data,     // to a read's answer, to the end of a write's data
    input  logic [W-1:0]              rfc,
    input  logic [W-1:0]              rfc_bank,
    input  logic [W-1:0]              refresh_gap,
    input  logic [L-1:0]              refi,
    // policy
    input  logic [2:0]                scheduler,
    input  logic                      unified,
    input  logic [7:0]                window,
    input  logic [1:0][7:0]           capacity,
    input  logic [7:0]                high,
    input  logic [7:0]                low,
    input  logic                      reserve,
    input  logic [1:0]                guard,
    input  logic [7:0]                hit_cap,
    input  logic [1:0]                page,
    input  logic [9:0]                page_timeout,
    input  logic [1:0]                refresh_mode,  // 0 none, 1 all banks, 2 per bank
    input  logic                      refresh_stops_all,
    input  logic [RANKS-1:0][L-1:0]   first_refresh,
    input  logic                      forward,
    input  logic                      merge,
    input  logic [1:0]                write_answer,
    input  logic [1:0][7:0]           backend,
    input  logic [1:0][7:0]           outstanding,   // most unanswered reads, writes; 0 no limit
    input  logic [MASTERS-1:0][3:0]   priorities,

    // requests
    input  logic         req_valid,
    output logic         req_ready,
    input  logic [A-1:0] req_address,
    input  logic         req_write,
    input  logic [M-1:0] req_master,
    input  logic [7:0]   req_tag,

    // answers
    output logic         up_valid,
    input  logic         up_ready,
    output logic         up_write,
    output logic [7:0]   up_tag,

    // commands; `cmd_bank` of one that is its rank's is the rank's first
    output logic              cmd_valid,
    output logic [3:0]        cmd,
    output logic [B-1:0]      cmd_bank,
    output logic [ROW-1:0]    cmd_row,
    output logic [COLUMN-1:0] cmd_column,

    // what is held, and what came of it
    output logic         draining,  // writes are served in this cycle
    output logic [7:0]   reads_queued,
    output logic [7:0]   writes_queued,
    output logic [7:0]   refreshes_owed,
    output logic [C-1:0] reads,
    output logic [C-1:0] writes,
    output logic [C-1:0] activates,
    output logic [C-1:0] precharges,
    output logic [C-1:0] precharge_alls,
    output logic [C-1:0] closed_by_all,
    output logic [C-1:0] refreshes,
    output logic [C-1:0] row_hits,
    output logic [C-1:0] row_misses,
    output logic [C-1:0] row_conflicts,
    output logic [C-1:0] forwarded,
    output logic [C-1:0] merged
