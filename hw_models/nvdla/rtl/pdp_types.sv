// Registers of PDP, and the walk of its windows over a cube.
//
// Windows end in order, one with an element at most. Those that end a whole stride or more beyond the right edge come
// with elements of the next line, those beyond the lower edge with lines of the next surface; where there are not
// enough of those, and behind the cube, they come by themselves: they drain.

package pdp_types;

  typedef enum logic [1:0] {AVERAGE, MAXIMUM, MINIMUM} method_t;

  typedef struct packed {                // a dimension of the cube
    logic [13:0] size;
    logic [3:0]  window;
    logic [4:0]  stride;
    logic [2:0]  pad;                    // in front
    logic [13:0] windows;
  } dimension_t;

  typedef struct packed {
    dimension_t  across;                 // columns that parts of the cube share count twice
    logic [11:0] again;                  // such columns: they are in front of the cube
    dimension_t  down;
  } windows_t;

  typedef struct packed {
    logic [1:0]        method;
    logic [16:0]       one_width;        // 2**16 / width of the window
    logic [16:0]       one_height;
    logic [7:0][18:0]  padding;          // what 0, 1, ... 7 padded elements of a row add
  } arithmetic_t;

  typedef struct packed {                // of one launch
    logic        flying;                 // input from SDP
    logic [13:0] surfaces;               // of one atom of channels
    windows_t    windows;
    arithmetic_t arithmetic;
    logic [31:0] source;
    logic [31:0] source_line_stride;
    logic [31:0] source_surface_stride;
    logic [31:0] address;
    logic [31:0] line_stride;
    logic [31:0] surface_stride;
  } pdp_launch_t;

  typedef struct packed {                // windows across a line, or down a surface
    logic signed [15:0] ending;          // element (row) that the next one ends with
    logic [13:0]        open;            // that have not ended
    logic [3:0]         late;            // of the line (surface) before, that come with this one's
  } axis_t;

  typedef struct packed {
    logic [13:0] x;                      // next element
    logic [13:0] y;
    logic [13:0] z;
    axis_t       across;
    logic [13:0] row_x;                  // next row of a window
    logic [13:0] row_y;
    logic [13:0] row_z;
    axis_t       down;
    logic [13:0] drain_x;                // rows of windows that drain before the next element
    logic [16:0] drain_y;                // and outputs
  } walk_t;

  typedef struct packed {                // an element, or a period in which something drains
    walk_t       walk;                   // behind it
    logic        atom;
    logic        last;                   // element of the cube
    logic        row;                    // of a window is complete
    logic [1:0]  outputs;                // that are complete
  } step_t;

  function automatic axis_t begun(logic [3:0] window, logic [2:0] pad, logic [11:0] again, logic [13:0] windows);
    return '{16'(window) + 16'(again) - 16'(pad) - 16'd1, windows, 4'd0};
  endfunction

  // Whether a window ends with element `at`; with the last one, also less than a stride beyond.
  function automatic logic reaches(logic signed [15:0] ending, logic [13:0] at, logic last, logic [4:0] stride);
    return ending < $signed(16'(at) + (last ? 16'(stride) : 16'd1));
  endfunction

  function automatic axis_t ended(axis_t axis, logic [4:0] stride);
    if (axis.late != 0) return '{axis.ending, axis.open, axis.late - 4'd1};
    return '{axis.ending + 16'(stride), axis.open - 14'd1, 4'd0};
  endfunction

  // Windows beyond an edge that must drain: they are out before the first one behind the edge ends.
  function automatic logic [13:0] drained(logic [13:0] beyond, logic signed [15:0] ending, logic [13:0] size);
    logic [13:0] first;
    first = (ending + 16'sd1 < $signed(16'(size))) ? 14'(ending) + 14'd1 : size;
    return (beyond != 0 && beyond + 14'd1 > first) ? beyond + 14'd1 - first : '0;
  endfunction

  function automatic step_t row_complete(
      dimension_t down, logic [13:0] row_windows, logic [13:0] surfaces, step_t past);
    step_t step;
    axis_t next;
    logic last, ends;
    logic [13:0] pause;
    step = past;
    step.row = 1'b1;
    last = step.walk.row_y + 14'd1 == down.size;
    ends = step.walk.down.open != 0 && reaches(step.walk.down.ending, step.walk.row_y, last, down.stride);
    if (step.walk.down.late != 0 || ends) step.outputs = 2'd1;
    step.walk.row_x = past.walk.row_x + 14'd1;
    if (step.walk.row_x == row_windows) begin
      step.walk.row_x = '0;
      step.walk.row_y = last ? '0 : past.walk.row_y + 14'd1;
      if (step.outputs != 0) step.walk.down = ended(past.walk.down, down.stride);
      if (last) begin
        next = begun(down.window, down.pad, '0, down.windows);
        pause = drained(step.walk.down.open, next.ending, down.size);
        step.walk.row_z = past.walk.row_z + 14'd1;
        if (step.walk.row_z == surfaces) begin
          step.walk.drain_y = 17'(step.walk.down.open) * 17'(row_windows);
        end else if (pause != 0) begin   // the first one comes with the last row of a window
          step.outputs = step.outputs + 2'd1;
          step.walk.drain_y = 17'(pause) * 17'(row_windows) - 17'd1;
        end
        next.late = 4'(step.walk.down.open - pause);
        step.walk.down = next;
      end
    end
    return step;
  endfunction

  function automatic step_t taken(windows_t windows, logic [13:0] surfaces, walk_t walk);
    step_t step;
    axis_t next;
    logic last_x, last_y, ends;
    step = '{walk, 1'b1, 1'b0, 1'b0, 2'd0};
    last_x = walk.x + 14'd1 == windows.across.size;
    last_y = walk.y + 14'd1 == windows.down.size;
    ends = walk.across.open != 0 && reaches(walk.across.ending, walk.x, last_x, windows.across.stride);
    if (walk.across.late != 0 || ends) begin
      step = row_complete(windows.down, windows.across.windows, surfaces, step);
      step.walk.across = ended(walk.across, windows.across.stride);
    end
    step.walk.x = walk.x + 14'd1;
    if (last_x) begin
      step.last = last_y && walk.z + 14'd1 == surfaces;
      next = begun(windows.across.window, windows.across.pad, windows.again, windows.across.windows);
      step.walk.drain_x = step.last ? step.walk.across.open
          : drained(step.walk.across.open, next.ending, windows.across.size);
      next.late = 4'(step.walk.across.open - step.walk.drain_x);
      step.walk.across = next;
      step.walk.x = '0;
      step.walk.y = last_y ? '0 : walk.y + 14'd1;
      if (last_y) step.walk.z = walk.z + 14'd1;
    end
    return step;
  endfunction

  function automatic step_t drain(
      dimension_t down, logic [13:0] row_windows, logic [13:0] surfaces, walk_t walk);
    step_t step;
    step = '{walk, 1'b0, 1'b0, 1'b0, 2'd0};
    if (walk.drain_x != 0) begin
      step.walk.drain_x = walk.drain_x - 14'd1;
      return row_complete(down, row_windows, surfaces, step);
    end
    step.walk.drain_y = walk.drain_y - 17'd1;
    step.outputs = 2'd1;
    return step;
  endfunction

endpackage
