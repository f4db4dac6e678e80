// SPDX-License-Identifier: Apache-2.0
/*
 * Loads an object with libbpf, for comparison: driver OBJECT PIN_FOLDER BTF KCONFIG PROGRAM...
 * With OBJECT alone it prints what libbpf takes the sections for.
 *
 * BTF and KCONFIG are "" for the running kernel's. Loads exactly the named programs, pins each
 * under its name and prints "name instructions-in-hex", the instructions as libbpf relocated them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static int named(const char *name, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return 1;
	return 0;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

static void print(const struct bpf_program *program)
{
	const unsigned char *bytes = (const unsigned char *)bpf_program__insns(program);
	size_t size = bpf_program__insn_cnt(program) * sizeof(struct bpf_insn);

	printf("%s ", bpf_program__name(program));
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

/* What libbpf takes each section name for: "section type attach-type flags". */
static int print_kinds(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (!object)
		return 1;
	bpf_object__for_each_program(program, object)
		printf("%s %d %d %u\n", bpf_program__section_name(program),
		       bpf_program__type(program), bpf_program__expected_attach_type(program),
		       bpf_program__flags(program));
	bpf_object__close(object);
	return 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, options);
	struct bpf_program *program;
	struct bpf_object *object;
	char path[512];

	libbpf_set_print(quiet);
	if (argc == 2)
		return print_kinds(argv[1]);
	if (argc < 6) {
		fprintf(stderr, "usage: driver OBJECT [PIN_FOLDER BTF KCONFIG PROGRAM...]\n");
		return 2;
	}
	options.pin_root_path = argv[2];
	if (*argv[3])
		options.btf_custom_path = argv[3];
	if (*argv[4])
		options.kconfig = argv[4];
	object = bpf_object__open_file(argv[1], &options);
	if (!object)
		return 1;
	bpf_object__for_each_program(program, object) {
		const char *section = bpf_program__section_name(program);

		bpf_program__set_autoload(program, named(bpf_program__name(program), argc - 5, argv + 5));
		/* Sections that came after libbpf 1.1. */
		if (!strncmp(section, "tcx/", 4))
			bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
	}
	if (bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(program, object) {
		if (!bpf_program__autoload(program))
			continue;
		print(program);
		snprintf(path, sizeof(path), "%s/%s", argv[2], bpf_program__name(program));
		if (bpf_program__pin(program, path))
			return 1;
	}
	bpf_object__close(object);
	return 0;
}
