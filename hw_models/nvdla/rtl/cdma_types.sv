// What CDMA's units tell each other.

package cdma_types;

  localparam int T = 32;                   // bits of a time: cycles since reset
  localparam int D = 6;                    // of a request's delay at the memory interface
  localparam int REQUEST_ATOMS = 8;        // that a request covers at most, and never across so many
  localparam int ENABLE_TO_REQUEST = 17;   // of weights; data have a detour
  localparam int REQUEST_TO_READ = 5;
  localparam int ROOM_TO_REQUEST = 3;

  localparam int ENABLE_TO_KEPT_DONE = 15; // of a side that fetches nothing

  typedef enum logic [2:0] {IDLE, PEND, BUSY, DONE, KEPT} phase_t;  // KEPT: what it would fetch lies in CBUF

  // registers of a launch, as the driver programs them; sizes as they are, not less one
  typedef struct packed {
    logic        image;                    // pixels of 1 or 4 bytes, no surfaces
    logic [5:0]  pixel_format;
    logic        signed_pixels;
    logic [4:0]  pad_left;                 // images only, as the next
    logic [5:0]  pad_right;
    logic [7:0]  pad_value;
    logic        means;                    // an offset for each channel
    logic [3:0][15:0] mean;
    logic [13:0] width;
    logic [13:0] height;
    logic [13:0] channels;
    logic        line_packed;              // lines lie one behind the other: a grain may have several
    logic        surface_packed;
    logic [11:0] grains;
    logic [31:0] address;
    logic [31:0] line_stride;
    logic [31:0] surface_stride;
    logic [15:0] line_entries;             // CBUF entries of an input line
    logic [13:0] kernels;
    logic [18:0] kernel_bytes;             // of one kernel
    logic [31:0] weight_address;
    logic [31:0] weight_bytes;
    logic [5:0]  data_banks;
    logic [5:0]  weight_banks;
    logic        convert;
    logic [15:0] offset;
    logic [15:0] scale;
    logic [5:0]  truncate;
    logic        reuse_data;               // where the launch before kept them: nothing is fetched
    logic        reuse_weights;
    logic        keep_data;                // CSC does not give them back
    logic        keep_weights;
  } cdma_launch_t;

  function automatic logic [T-1:0] later(logic [T-1:0] one, logic [T-1:0] other);
    return (one > other) ? one : other;
  endfunction

  // from the next cycle on, in which the memory interface has a request, until it may be on the bus
  function automatic logic [D-1:0] delay_of(logic [T-1:0] request, logic [T-1:0] now);
    logic [T-1:0] read;
    read = request + T'(REQUEST_TO_READ - 1);
    return (read > now) ? D'(read - now) : '0;
  endfunction

  // atoms from an atom's address on that a request covers, of those that are left
  function automatic logic [3:0] request_size(logic [2:0] place, logic [31:0] left);
    logic [3:0] room;
    room = 4'(REQUEST_ATOMS) - 4'(place);
    return (left < 32'(room)) ? left[3:0] : room;
  endfunction

  // which byte of a pixel of four is channel n
  function automatic logic [1:0] byte_of(logic [5:0] format, logic [1:0] channel);
    case (format)
      6'h0d, 6'h11, 6'h1a: return (channel == 3) ? 2'd3 : 2'd2 - channel;  // B, G, R, A
      6'h0e, 6'h12, 6'h1b: return channel + 2'd1;                          // A, R, G, B
      6'h0f, 6'h13: return 2'd3 - channel;                                 // A, B, G, R
      default: return channel;
    endcase
  endfunction

endpackage
