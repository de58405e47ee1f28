#include "plan/config.h"

void config_warnings(const struct plan *plan, struct err_list *warnings)
{
	char parts[STR_DURATION_MAX], grace[STR_DURATION_MAX];

	for (size_t i = 0; i < plan->service_count; i++) {
		const struct plan_service *service = &plan->services[i];
		int64_t timeout = service->stop_timeout < 0 ? 0 : service->stop_timeout;
		int64_t sum = service->stop_delay + timeout;

		if (service->adhoc || !service->stop_place.file)
			continue;
		if (sum < plan->grace || (service->stop_timeout >= 0 && sum == plan->grace))
			continue;
		err_set_at(err_list_add(warnings), ERR_CONFIG, service->stop_place.file,
			service->stop_place.line, service->stop_place.column,
			service->stop_timeout < 0
				? "services.%s.stop: a delay of %s leaves no time to stop within "
				  "the grace of %s"
				: "services.%s.stop: delay and timeout take %s, and grace is %s: "
				  "the program is killed when that is over",
			service->name, str_duration(sum, parts), str_duration(plan->grace, grace));
	}
}
