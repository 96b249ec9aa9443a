"""Sections of Darknet `.cfg` files and their keys, as the two well-known forks read them. Data only.

Sources: option_find* calls in src/parser.c of github.com/pjreddie/darknet and github.com/AlexeyAB/darknet,
and keys that their published files have beside those.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ALIASES = {
    "conv": "convolutional",
    "conn": "connected",
    "max": "maxpool",
    "avg": "avgpool",
    "local_avg": "local_avgpool",
    "lrn": "normalization",
    "soft": "softmax",
    "silence": "empty",
    "deconv": "deconvolutional",
    "network": "net",
    "gaussian_yolo": "Gaussian_yolo",
}
EVERY = _words(  # keys of any section
    "burnin_update clip dont_update dontload dontloadscales learning_rate onlyforward "
    "show_receptive_field stopbackward train_only_bn dontsave numload smooth truth stream wait_stream"
)
KEYS = {
    "net": _words(
        "B1 B2 adam adversarial_lr angle aspect attention augment_speed badlabels_rejection_percentage "
        "batch blur burn_in center channels contrastive contrastive_color contrastive_jit_flip cutmix "
        "decay dynamic_minibatch ema_alpha eps equidistant_point exposure flip gamma gaussian_noise "
        "height hue inputs label_smooth_eps learning_rate_min letter_box loss_scale max_batches "
        "max_chart_loss max_crop max_ratio min_crop min_ratio mixup momentum mosaic mosaic_bound notruth "
        "num_sigmas_reject_badlabels optimized_memory policy power random resize_step saturation scale "
        "scales seq_scales sequential_subdivisions sgdr_cycle sgdr_mult step steps subdivisions "
        "time_steps track try_fix_nan unsupervised use_cuda_graph weights_reject_freq width "
        "workspace_size_limit_MB max_epochs seen"
    ),
    "convolutional": _words(
        "activation angle antialiasing assisted_excitation batch_normalize bin_output binary cbn "
        "coordconv dilation dot filters flipped grad_centr groups pad padding reverse rotate share_index "
        "size stretch stretch_sway stride stride_x stride_y sway xnor"
    ),
    "deconvolutional": _words("activation batch_normalize filters pad padding size stride"),
    "connected": _words("activation batch_normalize output"),
    "local": _words("activation filters pad size stride"),
    "maxpool": _words(
        "antialiasing maxpool_depth maxpool_zero_nonmax out_channels padding size stride stride_x stride_y"
    ),
    "local_avgpool": _words("padding size stride stride_x stride_y"),
    "avgpool": (),
    "shortcut": _words("activation alpha beta from weights_normalization weights_type"),
    "scale_channels": _words("activation from scale_wh"),
    "sam": _words("activation from"),
    "route": _words("group_id groups layers"),
    "upsample": _words("scale stride"),
    "reorg": _words("extra flatten reverse stride"),
    "reorg3d": _words("reverse stride"),
    "crop": _words("angle crop_height crop_width exposure flip noadjust saturation shift"),
    "normalization": _words("alpha beta kappa size"),
    "batchnorm": (),
    "activation": _words("activation"),
    "softmax": _words("groups noloss spatial temperature tree"),
    "crnn": _words(
        "activation batch_normalize dilation groups hidden hidden_filters output output_filters pad "
        "padding shortcut size stride xnor"
    ),
    "rnn": _words("activation batch_normalize hidden logistic output shortcut"),
    "gru": _words("batch_normalize output tanh"),
    "lstm": _words("batch_normalize output"),
    "conv_lstm": _words(
        "activation batch_normalize bottleneck dilation groups lstm_activation output pad padding "
        "peephole shortcut size state_constrain stride time_normalizer xnor"
    ),
    "history": _words("history_size"),
    "implicit": _words("atoms filters mean std"),
    "dropout": _words("dropblock dropblock_size_abs dropblock_size_rel probability"),
    "cost": _words("noobj ratio scale thresh type"),
    "empty": (),
    "yolo": _words(
        "anchors beta_nms beta1 classes cls_normalizer counters_per_class delta_normalizer dets_for_show "
        "dets_for_track embedding_layer focal_loss ignore_thresh iou_loss iou_normalizer iou_thresh "
        "iou_thresh_kind jitter label_smooth_eps map mask max max_delta new_coords nms_kind num "
        "obj_normalizer objectness_smooth random resize scale_x_y show_details sim_thresh track_ciou_norm "
        "track_history_size truth_thresh uc_normalizer"
    ),
    "Gaussian_yolo": _words(
        "anchors beta_nms classes cls_normalizer counters_per_class delta_normalizer ignore_thresh "
        "iou_loss iou_normalizer iou_thresh iou_thresh_kind jitter label_smooth_eps map mask max "
        "max_delta nms_kind num obj_normalizer objectness_smooth random resize scale_x_y truth_thresh "
        "uc_normalizer yolo_point"
    ),
    "region": _words(
        "absolute anchors background bias_match class_scale classes classfix coord_scale coords "
        "focal_loss jitter log map mask_scale max noobject_scale num object_scale random rescore resize "
        "softmax sqrt thresh tree"
    ),
    "detection": _words(
        "class_scale classes coord_scale coords forced jitter max noobject_scale num object_scale random "
        "reorg rescore resize side softmax sqrt"
    ),
    "contrastive": _words("classes cls_normalizer contrastive_neg_max max_delta temperature yolo_layer"),
    "iseg": _words("classes ids"),
    "l2norm": (),
    "logistic": (),
}
ACTIVATIONS = _words(
    "logistic loggy relu relu6 revleaky elu selu gelu relie ramp linear tanh plse leaky stair hardtan "
    "lhtan swish mish hard_mish normalize_channels norm_chan normalize_channels_softmax "
    "norm_chan_softmax normalize_channels_softmax_maxval norm_chan_softmax_maxval"
)
SHORT = {"convolutional": "conv", "connected": "fc", "deconvolutional": "deconv"}  # in names of layers
