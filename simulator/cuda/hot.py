"""Fields of a system's state that many events look at: a GPU keeps them side by side.

Counted on points of `simulator.cuda.measure_soc`: what one event in twelve of some kind of unit looks at, and
the records and arrays that it lies in. Nothing but the time that a run takes depends on it.
"""

_NAMES = """
    accepted access_bytes accesses acks active address addresses alone answer_count answered_reads
    answers arbiters arrived asked asking asking_banks asks awaited back back_busy_cycles back_free
    back_owner backend bank bank_held banks beats bin_fs bit blame blocker burst_beats_left
    bursts_in_flight bus bus_free bus_owner busy_cycles busy_until bytes caching capacity cause
    cdma_weight charged chosen chosen_bank chosen_entry chosen_key chosen_time clock column compressed
    count credit credit_count credit_head credit_time culprit cycle data data_end delay discard done
    done_count done_head doors down down_count due early edge_fs ending_count entering entries entry
    events evictor fifo fifo_head fifo_release fifo_since fifo_until fill_count first first_order
    first_time followed followed_from following free free_count free_parent free_parents free_slot
    freed_fs full gap given gone group group_bytes groups head heeded held held_since high hit hits
    holder holder_bank holder_write id id_flight id_limit ids in_flight inverse issued jobs_left kind
    lane lane_flight lanes lanes_due last last_beat last_read_done last_reader last_up latency
    latency_max_fs latency_rows latency_sum_fs left limit limited line link_free log_count low mark
    master max_reads_in_flight mcif merges missing moved mshr_share mshrs mshrs_used near_fs newest next
    next_read node now_fs offered oldest open opener order outstanding owed owner parent parents pending
    period_fs policy port port_flight port_limit port_share port_shift pre previous quiet rank ranks
    read_bursts read_bytes read_full read_limited read_wake reader readers reads ready received records
    refused request request_count requests response_latency retry rings room row row_cycles row_hits rows
    scanned sdp seen segment segments sent serialised set_mask since size slot slots snapshot
    soonest source stamp stored stream t tag tail taken target targets time to_pre total_bytes
    tracked_until tracker traffic unoffered up up_count used waited waiting wake
    wake_fs wants way ways what write write_full write_limited write_turn writer writing writing_next
"""
HOT = frozenset(_NAMES.split())

# of a DRAM channel that a trace drives: what one request in three looks at, parameters of its kernel apart
_OF_TRACES = """
    act act_gap activates active acts address addresses arrived asking asking_banks asks backend bank
    bank_mask bank_shift banks burst_shift bytes capacity chosen chosen_bank chosen_entry chosen_key
    chosen_time column column_mask column_shift data data_end deep done done_count done_head due earliest
    entries faw first first_order first_time free free_count free_parent free_parents gap group groups head
    high hit hits issued last last_read_done left log_count low master meets miss moved next oldest_act open
    open_banks opener order outstanding owed parent parents pending ppd pre precharges previous rank ranks
    ras rc rcd reads refresh refused_at request row row_conflicts row_hits row_mask row_shift rows rp
    scanned seen segment segments size stream t tag tail time to_pre turn waiting write writes writing
    writing_next
"""
OF_TRACES = frozenset(_OF_TRACES.split())
