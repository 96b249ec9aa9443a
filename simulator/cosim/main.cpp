// The main program of a Verilated design with cocotb inside, and with clocks whose edges are served by
// compiled code: before the design sees a rising edge, its outputs are what the ended cycle had; what is
// driven anew is written after it has, and the design settles once more. Clocks are toggled here, where the
// simulator's own interface would take as long as the design.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "Vtop.h"
#include "verilated.h"
#include "verilated_syms.h"
#include "verilated_vpi.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

extern "C" void vlog_startup_routines_bootstrap(void);

namespace {

using Call = int64_t (*)(int64_t table);

struct Served {
    const uint8_t* clock;  // null: no longer served
    uint8_t before;
    bool driven;
    Call edge, drive;
    int64_t table;
};

struct Driven {
    uint8_t* clock;  // null: stopped
    bool high;       // to come next
    uint64_t next, high_steps, low_steps;
};

constexpr uint64_t NEVER = ~0ULL;

std::vector<Served> served;
std::vector<Driven> driven;
uint64_t now = 0, next_toggle = NEVER;
bool toggled = false;  // and the design has not seen it
bool told = true;      // a test has been called: it may have put values,
bool asked = true;     // or asked to be called
bool stale = true;     // values may have changed since callbacks upon values were looked at

void before_design() {
    for (Served& it : served) {
        if (!it.clock) continue;
        const uint8_t level = *it.clock;
        if (level && !it.before) it.driven = it.edge(it.table) != 0;
        it.before = level;
    }
}

bool after_design() {
    bool changed = false;
    for (Served& it : served) {
        if (it.clock && it.driven) changed |= it.drive(it.table) != 0;
        it.driven = false;
    }
    return changed;
}

const VerilatedVar* top_signal(const char* name) {
    const VerilatedScope* scope = Verilated::threadContextp()->scopeFind("TOP");
    return scope ? scope->varFind(name) : nullptr;
}

#if VM_TRACE
double number_of(const char* variable, double otherwise) {
    const char* const text = std::getenv(variable);
    return text ? std::strtod(text, nullptr) : otherwise;
}
#endif

void settle_callbacks() {
    stale = false;
    while (VerilatedVpi::callValueCbs()) told = asked = true;
}

void call_if_any(uint32_t reason) {
    if (VerilatedVpi::hasCbs(reason) && VerilatedVpi::callCbs(reason)) told = asked = true;
}

void toggle_clocks() {
    next_toggle = NEVER;
    for (Driven& it : driven) {
        if (it.clock && it.next <= now) {
            *it.clock = it.high;
            it.next = now + (it.high ? it.high_steps : it.low_steps);
            it.high = !it.high;
            toggled = true;
        }
        if (it.clock) next_toggle = std::min(next_toggle, it.next);
    }
}

void put_inputs() {
    if (next_toggle <= now) {
        toggle_clocks();
        stale = true;
    }
    if (told) {
        told = false;
        VerilatedVpi::doInertialPuts();
        stale = true;
    }
    if (stale) settle_callbacks();
}

void call_at_new_time() {
    asked = false;
    if (VerilatedVpi::callCbs(cbNextSimTime)) told = asked = true;
    call_if_any(cbAfterDelay);
    if (told) settle_callbacks();
}

bool is_unsettled() { return toggled || VerilatedVpi::evalNeeded(); }

void settle_design(Vtop& top) {
    do {
        before_design();
        top.eval_step();
        if (after_design()) top.eval_step();
        toggled = false;
        stale = true;
        VerilatedVpi::clearEvalNeeded();
        put_inputs();
    } while (is_unsettled());
}

}  // namespace

extern "C" {

// Find a signal of the top module: where it lies and in how many bytes. Returns 1 for an input, 2 for an
// output, 0 if there is none of that name.
int dlasim_signal(const char* name, int64_t* address, int64_t* bytes) {
    const VerilatedVar* signal = top_signal(name);
    if (!signal || signal->udims()) return 0;
    *address = reinterpret_cast<int64_t>(signal->datap());
    *bytes = signal->entSize();
    return signal->vldir() == VLVD_IN ? 1 : 2;
}

// Serve the rising edges of a clock. Returns a number for `dlasim_release`, -1 if it is no input of one bit.
int dlasim_serve(const char* clock, int64_t edge, int64_t drive, int64_t table) {
    int64_t address, bytes;
    if (dlasim_signal(clock, &address, &bytes) != 1 || bytes != 1) return -1;
    const uint8_t* level = reinterpret_cast<const uint8_t*>(address);
    served.push_back({level, *level, false, reinterpret_cast<Call>(edge), reinterpret_cast<Call>(drive), table});
    return static_cast<int>(served.size()) - 1;
}

void dlasim_release(int number) { served[number].clock = nullptr; }

// Toggle a clock from now on. Returns a number for `dlasim_stop`, -1 if it is no input of one bit.
int dlasim_drive(const char* clock, int64_t high_steps, int64_t low_steps, int start_high) {
    int64_t address, bytes;
    if (dlasim_signal(clock, &address, &bytes) != 1 || bytes != 1) return -1;
    next_toggle = now;
    uint8_t* level = reinterpret_cast<uint8_t*>(address);
    driven.push_back({level, start_high != 0, next_toggle, uint64_t(high_steps), uint64_t(low_steps)});
    return static_cast<int>(driven.size()) - 1;
}

void dlasim_stop(int number) { driven[number].clock = nullptr; }
}

int main(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    Verilated::fatalOnVpiError(false);
    VerilatedContext& context = *Verilated::threadContextp();
    Vtop top{""};
#if VM_TRACE
    Verilated::traceEverOn(true);
    VerilatedVcdC trace;
    const char* const file = std::getenv("DLASIM_COSIM_WAVE");
    const double steps_per_ns = std::pow(10.0, -9 - context.timeprecision());
    const double first = number_of("DLASIM_COSIM_WAVE_FROM_NS", 0) * steps_per_ns;
    const double last = number_of("DLASIM_COSIM_WAVE_UNTIL_NS", 1e30) * steps_per_ns;
    if (file) {
        top.trace(&trace, 99);
        trace.open(file);
    }
#endif
    auto finish = [&] {
        VerilatedVpi::callCbs(cbEndOfSimulation);
#if VM_TRACE
        trace.close();
#endif
    };
    vlog_startup_routines_bootstrap();
    VerilatedVpi::callCbs(cbStartOfSimulation);
    settle_callbacks();
    bool has_events = true;  // of its own: delays
    while (!context.gotFinish()) {
        if (!has_events && !VerilatedVpi::evalNeeded()) put_inputs();
        if (has_events || is_unsettled()) settle_design(top);
        for (;;) {
            call_if_any(cbReadWriteSynch);
            put_inputs();
            if (!is_unsettled()) break;
            settle_design(top);
        }
        top.eval_end_step();
        call_if_any(cbReadOnlySynch);
#if VM_TRACE
        if (file && context.time() >= first && context.time() <= last) trace.dump(context.time());
#endif
        const uint64_t of_design = top.eventsPending() ? top.nextTimeSlot() : NEVER;
        const uint64_t of_test = VerilatedVpi::cbNextDeadline();
        now = std::min({of_test, next_toggle, of_design});
        if (now == NEVER) break;
        has_events = of_design == now;
        context.time(now);
        if (asked || of_test == now) call_at_new_time();
    }
    top.final();
    finish();
    return context.errorCount() > 0;
}
