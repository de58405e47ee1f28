/* What a configuration may say, and what cannot work as it is written. */
#include "plan/config.h"

/* More than any grace; sums up to it do not overflow. */
static const int64_t time_max = INT64_MAX / 4;

enum { CHAIN_SHOWN = 10 };

/* Where a service stands in the order in which all are stopped. */
struct chain {
	int64_t time;  /* until it has ended, and all that is stopped after it */
	unsigned next; /* what is stopped after it, and takes longest */
	bool open;     /* one of them has no timeout */
	bool ends;     /* nothing is stopped after it */
};

static void warn(struct err_list *warnings, const struct plan_place *place, struct err **err)
{
	*err = err_list_add(warnings);
	err_set_at(*err, ERR_CONFIG, place->file, place->line, place->column, "services.");
}

/* What the parts of its stop take; 0 for what has long ended by then. */
static int64_t stop_time(const struct plan_service *service)
{
	if (service->oneshot)
		return 0;
	return service->stop_delay + (service->stop_timeout < 0 ? 0 : service->stop_timeout);
}

/* One that does not fit by itself. */
static bool warn_stop(
	const struct plan *plan, const struct plan_service *service, struct err_list *warnings)
{
	char parts[STR_DURATION_MAX], grace[STR_DURATION_MAX];
	int64_t sum = stop_time(service);
	struct err *err;

	if (sum < plan->grace || (service->stop_timeout >= 0 && sum == plan->grace))
		return false;
	if (!service->stop_place.file)
		return false;
	warn(warnings, &service->stop_place, &err);
	err_append(err,
		service->stop_timeout < 0
			? "%s.stop: a delay of %s leaves no time to stop within the grace of %s"
			: "%s.stop: delay and timeout take %s, and grace is %s: the program is "
			  "killed when that is over",
		service->name, str_duration(sum, parts), str_duration(plan->grace, grace));
	return true;
}

/* Fills `chains` and returns the service whose chain takes longest. */
static unsigned find_chains(const struct plan *plan, struct chain *chains)
{
	unsigned longest = plan->order[0];

	/* What a service waits for stands before it, and is stopped after it. */
	for (size_t i = 0; i < plan->service_count; i++) {
		unsigned index = plan->order[i];
		const struct plan_service *service = &plan->services[index];
		struct chain *chain = &chains[index];

		chain->ends = service->depend_count == 0;
		chain->next = chain->ends ? index : service->depends[0];
		for (unsigned k = 1; k < service->depend_count; k++)
			if (chains[service->depends[k]].time > chains[chain->next].time)
				chain->next = service->depends[k];
		if (!chain->ends)
			*chain = (struct chain){chains[chain->next].time, chain->next,
				chains[chain->next].open, false};
		chain->time += stop_time(service);
		if (chain->time > time_max)
			chain->time = time_max;
		chain->open = chain->open || (service->stop_timeout < 0 && !service->oneshot);
		if (chain->time > chains[longest].time ||
			(chain->time == chains[longest].time && chain->open))
			longest = index;
	}
	return longest;
}

/* The services of the chain as a list, but for those that have long ended. */
static void append_chain(
	const struct plan *plan, const struct chain *chains, unsigned first, struct err *err)
{
	unsigned count = 0;
	bool more = true;

	for (unsigned i = first; more; i = chains[i].next) {
		more = !chains[i].ends;
		if (plan->services[i].oneshot)
			continue;
		if (count++ < CHAIN_SHOWN)
			err_append(err, "%s%s", count > 1 ? ", " : "", plan->services[i].name);
		else if (count == CHAIN_SHOWN + 1)
			err_append(err, " ...");
	}
}

/* Services that are stopped one after the other. */
static void warn_chain(const struct plan *plan, struct err_list *warnings)
{
	struct chain *chains = arena_array(plan->arena, plan->service_count, sizeof(*chains));
	char sum[STR_DURATION_MAX], grace[STR_DURATION_MAX];
	unsigned first, told;
	struct err *err;

	/* Without memory there is less advice. */
	if (!chains)
		return;
	first = told = find_chains(plan, chains);
	if (chains[first].time < plan->grace ||
		(chains[first].time == plan->grace && !chains[first].open))
		return;
	/* It is told of where one of them says something of its stop. */
	while (!plan->services[told].stop_place.file && !chains[told].ends)
		told = chains[told].next;
	if (!plan->services[told].stop_place.file)
		return;
	warn(warnings, &plan->services[told].stop_place, &err);
	err_append(err, "%s.stop: ", plan->services[told].name);
	append_chain(plan, chains, first, err);
	err_append(err,
		" are stopped one after the other, which takes %s, and grace is %s: what still "
		"runs then is killed",
		str_duration(chains[first].time, sum), str_duration(plan->grace, grace));
}

static bool has_sources(const struct plan *plan)
{
	if (plan->template_count > 0 || plan->env_files.count > 0)
		return true;
	for (size_t i = 0; i < plan->var_count; i++)
		if (plan->vars[i].secret)
			return true;
	return false;
}

void config_warnings(const struct plan *plan, struct err_list *warnings)
{
	bool watched = has_sources(plan);
	bool alone = false;
	struct err *err;

	for (size_t i = 0; i < plan->service_count; i++) {
		const struct plan_service *service = &plan->services[i];

		if (!service->adhoc && warn_stop(plan, service, warnings))
			alone = true;
		if (!service->reload_watch || watched)
			continue;
		warn(warnings, &service->place, &err);
		err_append(err,
			"%s.reload.watch: there is nothing to watch: no templates, no env_file and "
			"no secret",
			service->name);
	}
	if (!alone && plan->service_count > 1)
		warn_chain(plan, warnings);
}
