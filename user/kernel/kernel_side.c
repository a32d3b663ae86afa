// SPDX-License-Identifier: GPL-2.0-only
/* kernel_side.c - read the pinned maps of the kernel side */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/kernel_side.h"
#include "kernel/pins.h"

static const struct map_pin {
	const char *dir, *name;
	size_t offset;	  /* of the descriptor in struct kernel_side */
	__u32 value_size; /* that the layout of this version has; for tethers, the least; 0: any */
} map_pins[] = {
	{ "maps", "config", offsetof(struct kernel_side, config), sizeof(struct autokill_config) },
	{ "maps", "stats", offsetof(struct kernel_side, stats), sizeof(struct autokill_stats) },
	{ "maps", "failures", offsetof(struct kernel_side, failures), sizeof(__u64) },
	{ "maps", "tethers", offsetof(struct kernel_side, tethers),
	  sizeof(struct autokill_tether) },
	{ "maps", "files", offsetof(struct kernel_side, files), 0 },
	{ "maps", "events", offsetof(struct kernel_side, events), sizeof(struct autokill_event) },
	{ "maps", "tasks", offsetof(struct kernel_side, tasks), sizeof(struct autokill_task) },
	{ "maps", "users", offsetof(struct kernel_side, users), 0 },
	{ "maps", "left_out", offsetof(struct kernel_side, left_out),
	  sizeof(struct autokill_left_out) },
	/* From here on only where config.kill is KILL_AGENT. */
	{ "maps", "agent", offsetof(struct kernel_side, agent), sizeof(struct autokill_agent) },
	{ "maps", "releases", offsetof(struct kernel_side, releases), 0 },
	{ "maps", "found", offsetof(struct kernel_side, found), sizeof(struct autokill_identity) },
	{ "progs", "autokill_agent", offsetof(struct kernel_side, says), 0 },
	{ "progs", "autokill_identity", offsetof(struct kernel_side, identity), 0 },
	{ "progs", "autokill_sweep", offsetof(struct kernel_side, sweep), 0 },
};

#define N_MAP_PINS (sizeof(map_pins) / sizeof(*map_pins))
#define N_AGENT_PINS 6

static int *map_fd(struct kernel_side *k, const struct map_pin *pin)
{
	return (int *)((char *)k + pin->offset);
}

int kernel_side_value_size(int fd, __u32 *size)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*size = info.value_size;
	return 0;
}

static int map_open(const struct map_pin *pin)
{
	_cleanup_close_ int fd = -1;
	char path[PINS_PATH_MAX];
	__u32 size = 0;
	int err;

	err = pins_path(path, AUTOKILL_PIN_DIR, pin->dir, pin->name);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (!pin->value_size)
		return TAKE_FD(fd);
	err = kernel_side_value_size(fd, &size);
	if (!err &&
	    (size < pin->value_size || (size != pin->value_size && strcmp(pin->name, "tethers"))))
		err = -EPROTO;
	return err ? err : TAKE_FD(fd);
}

static int maps_open_range(struct kernel_side *k, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		int *fd = map_fd(k, &map_pins[i]);

		*fd = map_open(&map_pins[i]);
		if (*fd < 0)
			return *fd;
	}
	return 0;
}

int kernel_side_open(struct kernel_side *k)
{
	struct autokill_config config = {};
	int err;

	*k = KERNEL_SIDE_CLOSED;
	err = maps_open_range(k, 0, N_MAP_PINS - N_AGENT_PINS);
	if (!err)
		err = kernel_side_config(k, &config);
	if (!err && config.state_version != AUTOKILL_STATE_VERSION)
		err = -EPROTO;
	if (!err && config.kill == KILL_AGENT)
		err = maps_open_range(k, N_MAP_PINS - N_AGENT_PINS, N_MAP_PINS);
	if (err)
		kernel_side_close(k);
	return err;
}

void kernel_side_close(struct kernel_side *k)
{
	for (size_t i = 0; i < N_MAP_PINS; i++)
		cleanup_close(map_fd(k, &map_pins[i]));
}

int kernel_side_shut(void)
{
	_cleanup_close_ int fd = bpf_obj_get(AUTOKILL_PIN_DIR "/maps/config");
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), zero = 0, value[64];

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.key_size != sizeof(zero) || info.value_size > sizeof(value) ||
	    info.value_size < offsetof(struct autokill_config, ready) + sizeof(__u32))
		return -EPROTO;
	if (bpf_map_lookup_elem(fd, &zero, value))
		return -errno;
	value[offsetof(struct autokill_config, ready) / sizeof(*value)] = AUTOKILL_NOT_READY;
	return bpf_map_update_elem(fd, &zero, value, BPF_ANY) ? -errno : 0;
}

static int map_first(int fd, void *out)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(fd, &zero, out) ? -errno : 0;
}

int kernel_side_config(const struct kernel_side *k, struct autokill_config *out)
{
	return map_first(k->config, out);
}

int kernel_side_set_config(const struct kernel_side *k, const struct autokill_config *config)
{
	__u32 zero = 0;

	return bpf_map_update_elem(k->config, &zero, config, BPF_ANY) ? -errno : 0;
}

int kernel_side_set_ready(const struct kernel_side *k, enum autokill_ready ready, __u32 canary_tgid)
{
	struct autokill_config c;
	int err = kernel_side_config(k, &c);

	if (err)
		return err;
	c.ready = ready;
	c.canary_tgid = canary_tgid;
	return kernel_side_set_config(k, &c);
}

int kernel_side_stats(const struct kernel_side *k, struct autokill_stats *out)
{
	return map_first(k->stats, out);
}

int kernel_side_event(const struct kernel_side *k, __u32 log, __u64 n, struct autokill_event *out)
{
	__u32 at = log * AUTOKILL_LOG_EVENTS + n % AUTOKILL_LOG_EVENTS;

	if (bpf_map_lookup_elem(k->events, &at, out))
		return -errno;
	/* Pairs with event_write() in bpf/events.bpf.h: both numbers, or it was being written. */
	return out->seq == n + 1 && out->seq_end == n + 1 ? 0 : -EAGAIN;
}
