// Registers of CDP, and its walk over a cube: parts of up to eight columns of a line, through all surfaces.

package cdp_types;

  typedef struct packed {
    logic               squares;         // the tables see squares of neighbours added up, else the value
    logic               product;         // what they give times the value
    logic [2:0]         reach;           // channels on each side
    logic signed [7:0]  in_offset;
    logic signed [15:0] in_scale;
    logic [4:0]         in_shift;
    logic signed [24:0] out_offset;
    logic signed [15:0] out_scale;
    logic [5:0]         out_shift;
  } arithmetic_t;

  typedef struct packed {                // of one launch
    arithmetic_t arithmetic;
    logic [13:0] width;
    logic [13:0] height;
    logic [13:0] surfaces;               // of one atom of channels
    logic [5:0]  channels;               // of the last surface, that count
    logic [31:0] source;
    logic [31:0] source_line_stride;
    logic [31:0] source_surface_stride;
    logic [31:0] address;
    logic [31:0] line_stride;
    logic [31:0] surface_stride;
  } cdp_launch_t;

  typedef struct packed {
    logic [13:0] x;                      // first column
    logic [13:0] y;
    logic [13:0] z;
  } part_t;

  function automatic logic [3:0] columns(logic [13:0] width, logic [13:0] x);
    return (width - x < 14'd8) ? 4'(width - x) : 4'd8;
  endfunction

  function automatic part_t after(logic [13:0] width, logic [13:0] surfaces, part_t part);
    if (part.z + 14'd1 != surfaces) return '{part.x, part.y, part.z + 14'd1};
    if (part.x + 14'd8 < width) return '{part.x + 14'd8, part.y, 14'd0};
    return '{14'd0, part.y + 14'd1, 14'd0};
  endfunction

endpackage
