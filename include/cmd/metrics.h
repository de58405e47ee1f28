/*
 * metrics: the status of services as OpenMetrics text (OpenMetrics 1.0,
 * application/openmetrics-text).
 */
#ifndef HUSK_CMD_METRICS_H
#define HUSK_CMD_METRICS_H

#include "base/buf.h"
#include "cmd/client.h"

/* `proc_path`: where the processes of services are looked for; without it there is no memory and
 * no CPU time. */
void metrics_append(const struct client_status *status, const char *proc_path, struct buf *out);

#endif
