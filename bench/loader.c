// SPDX-License-Identifier: Apache-2.0
/*
 * What libbpf does, for the loader's benchmark: compiled when the benchmark starts, against the
 * libbpf that is installed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <time.h>

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Opens and loads an object, all programs and maps; returns nanoseconds, or a negative errno. */
int64_t libbpf_load(const void *bytes, uint64_t size)
{
	struct bpf_object *object;
	int64_t start, end;
	int error;

	libbpf_set_print(NULL);
	start = now();
	object = bpf_object__open_mem(bytes, size, NULL);
	if (!object)
		return -errno;
	error = bpf_object__load(object);
	end = now();
	bpf_object__close(object);
	return error ? error : end - start;
}

/* Looks keys of 8 bytes up, one call each; returns nanoseconds, or a negative errno. */
int64_t libbpf_lookups(int32_t map, const uint64_t *keys, uint32_t count, uint64_t *values)
{
	int64_t start = now();
	uint32_t i;

	for (i = 0; i < count; i++) {
		int error = bpf_map_lookup_elem(map, &keys[i], &values[i]);

		if (error)
			return error;
	}
	return now() - start;
}
