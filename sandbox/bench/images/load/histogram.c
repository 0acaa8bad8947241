/* Latencies in buckets of 1 µs up to 200 ms and of 1 ms up to two minutes. */
#include "load.h"

enum { FINE = 200000, COARSE = 120000 };
static uint32_t fine[FINE];
static uint32_t coarse[COARSE];
static uint64_t total;

void note_latency(uint64_t nanoseconds) {
    uint64_t us = nanoseconds / 1000;
    total++;
    if (us < FINE) {
        fine[us]++;
    } else {
        uint64_t ms = us / 1000;
        coarse[ms < COARSE ? ms : COARSE - 1]++;
    }
}

double latency_ms(double share) {
    uint64_t wanted = (uint64_t)(share * (double)total);
    uint64_t seen = 0;
    for (int i = 0; i < FINE; i++) {
        seen += fine[i];
        if (seen > wanted || (seen == total && total > 0)) return i / 1000.0;
    }
    for (int i = 0; i < COARSE; i++) {
        seen += coarse[i];
        if (seen > wanted || seen == total) return i;
    }
    return 0;
}
