// What the convolution core's units tell each other.

package conv_types;

  // registers of a launch, as the driver programs them; sizes as they are, not less one
  typedef struct packed {
    logic        image;           // channels side by side, no surfaces; no output line shares a stripe
    logic [13:0] width;           // input
    logic [13:0] height;
    logic [13:0] channels;        // of a kernel: an image's times the kernel's columns
    logic [13:0] pixel_bytes;     // image only: channels of a pixel
    logic [13:0] kernels;
    logic [5:0]  rows;            // of a kernel
    logic [5:0]  columns;         // 1 for an image
    logic [3:0]  stride_x;
    logic [3:0]  stride_y;
    logic [5:0]  dilation_x;
    logic [5:0]  dilation_y;
    logic [5:0]  pad_left;
    logic [5:0]  pad_top;
    logic [7:0]  pad_value;
    logic [13:0] out_width;
    logic [13:0] out_height;
    logic [15:0] line_entries;    // CBUF entries of an input line
    logic [13:0] release_lines;   // given back to CDMA at the end of the launch, 1 to height
    logic [15:0] kernel_bytes;    // of one kernel
    logic [15:0] weight_entries;  // CBUF entries of all kernels
    logic [5:0]  data_banks;
    logic [5:0]  weight_banks;
    logic        reuse_data;      // lines that the launch before left are worked on
    logic        reuse_weights;   // its kept kernels are
    logic        keep_data;       // nothing is given back at the end
    logic        keep_weights;
  } launch_t;

  // a package on its way to the MACs
  typedef struct packed {
    logic [5:0]  column;      // of the kernel
    logic [5:0]  row;
    logic [9:0]  block;       // of atomic-C channels
    logic [6:0]  pixels;
    logic        first;       // of its stripe: sums begin
    logic        last;        // of its stripe: sums are complete
    logic        end_launch;  // last of its launch
  } package_t;

  // kernels on their way to the MACs, those of one package
  typedef struct packed {
    logic [6:0]  kernels;
    logic [6:0]  bytes;        // of a kernel
    logic [15:0] entries;      // that the kernel group takes in CBUF
    logic        first_stripe; // first package of a stripe: the group's weights from their beginning
    logic        first_group;  // first package of a kernel group
  } load_t;

endpackage
