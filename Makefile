# husk: see `make help`.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
.DEFAULT_GOAL := all

# ARCH=arm64 on an amd64 machine (or the reverse): Debian's cross compiler, musl of that architecture.
TRIPLE_amd64 := x86_64
TRIPLE_arm64 := aarch64
MACHINE := $(shell uname -m)
ARCH    ?= $(MACHINE)
TRIPLE  := $(or $(TRIPLE_$(ARCH)),$(ARCH))
CROSS   := $(if $(filter-out $(MACHINE),$(TRIPLE)),$(patsubst TRIPLE_%,%,$(strip \
	$(foreach name,TRIPLE_amd64 TRIPLE_arm64,$(if $(filter $(TRIPLE),$($(name))),$(name))))))
OTHER   := $(if $(filter x86_64,$(MACHINE)),arm64,amd64)
BUILD   := build$(CROSS:%=/%)

# One file a line: a module is added here, with its test below.
SRC_BASE := \
	src/base/arena.c \
	src/base/buf.c \
	src/base/dir.c \
	src/base/err.c \
	src/base/fd.c \
	src/base/format.c \
	src/base/log.c \
	src/base/loop.c \
	src/base/map.c \
	src/base/opt.c \
	src/base/out.c \
	src/base/signal_name.c \
	src/base/str.c \
	src/base/sys.c \
	src/base/sys_socket.c \
	src/base/sys_watch.c
SRC_TEXT := \
	src/text/arith.c \
	src/text/filter.c \
	src/text/template.c \
	src/text/template_arith.c \
	src/text/template_block.c \
	src/text/template_place.c \
	src/text/template_read.c \
	src/text/template_run.c \
	src/text/words.c \
	src/text/yaml.c \
	src/text/yaml_source.c
SRC_PLAN := \
	src/plan/beneath.c \
	src/plan/config.c \
	src/plan/config_files.c \
	src/plan/config_names.c \
	src/plan/config_order.c \
	src/plan/config_rules.c \
	src/plan/config_schema.c \
	src/plan/config_service.c \
	src/plan/config_snapshot.c \
	src/plan/config_warn.c \
	src/plan/env.c \
	src/plan/env_builtin.c \
	src/plan/env_file.c \
	src/plan/env_options.c \
	src/plan/env_scope.c \
	src/plan/env_table.c \
	src/plan/env_type.c \
	src/plan/machine.c \
	src/plan/options.c \
	src/plan/render.c \
	src/plan/render_file.c \
	src/plan/schema.c \
	src/plan/sources.c \
	src/plan/stage.c \
	src/plan/stage_publish.c \
	src/plan/tree.c \
	src/plan/user.c
SRC_PROC := \
	src/proc/binary.c \
	src/proc/cgroup.c \
	src/proc/descendants.c \
	src/proc/execblock.c \
	src/proc/launch.c \
	src/proc/launch_explain.c \
	src/proc/launch_find.c \
	src/proc/processes.c \
	src/proc/runcheck.c
SRC_PROBE := \
	src/probe/address.c \
	src/probe/dns.c \
	src/probe/fcgi.c \
	src/probe/http.c \
	src/probe/probe.c \
	src/probe/probe_target.c \
	src/probe/resolve.c \
	src/probe/stream.c
SRC_INIT := \
	src/init/control.c \
	src/init/ctlproto.c \
	src/init/init.c \
	src/init/init_act.c \
	src/init/init_control.c \
	src/init/helper.c \
	src/init/init_end.c \
	src/init/init_explain.c \
	src/init/init_log.c \
	src/init/init_manager.c \
	src/init/init_notify.c \
	src/init/init_ready.c \
	src/init/init_reload.c \
	src/init/init_settle.c \
	src/init/init_signal.c \
	src/init/notify.c \
	src/init/notify_read.c \
	src/init/relay.c \
	src/init/relay_line.c \
	src/init/supervise.c \
	src/init/supervise_table.c
SRC_CMD  := \
	src/cmd/catatonit.c \
	src/cmd/check.c \
	src/cmd/client.c \
	src/cmd/compat.c \
	src/cmd/ctl.c \
	src/cmd/dispatch.c \
	src/cmd/dumb_init.c \
	src/cmd/env.c \
	src/cmd/envsubst.c \
	src/cmd/explain.c \
	src/cmd/explain_service.c \
	src/cmd/help.c \
	src/cmd/json.c \
	src/cmd/load.c \
	src/cmd/main.c \
	src/cmd/metrics.c \
	src/cmd/probe.c \
	src/cmd/reloader.c \
	src/cmd/render.c \
	src/cmd/report.c \
	src/cmd/run.c \
	src/cmd/service.c \
	src/cmd/service_keep.c \
	src/cmd/service_ready.c \
	src/cmd/status.c \
	src/cmd/tini.c \
	src/cmd/version.c
SRC := $(SRC_BASE) $(SRC_TEXT) $(SRC_PLAN) $(SRC_PROC) $(SRC_PROBE) $(SRC_INIT) $(SRC_CMD)

# Manual pages, the section is the suffix.
MANUALS := \
	src/husk.1 \
	src/husk.yaml.5

# tests/unit/NAME.c, each a program of its own.
UNIT_TESTS := \
	test_address \
	test_arena \
	test_arith \
	test_beneath \
	test_buf \
	test_cgroup \
	test_compat \
	test_config \
	test_config_files \
	test_config_order \
	test_config_services \
	test_config_snapshot \
	test_control \
	test_ctlproto \
	test_dispatch \
	test_env \
	test_descendants \
	test_dns \
	test_err \
	test_explain \
	test_execblock \
	test_fcgi \
	test_fd \
	test_filter \
	test_format \
	test_http \
	test_init_explain \
	test_launch \
	test_log \
	test_loop \
	test_machine \
	test_map \
	test_manual \
	test_metrics \
	test_notify \
	test_notify_read \
	test_opt \
	test_options \
	test_out \
	test_probe \
	test_probe_target \
	test_processes \
	test_relay \
	test_relay_line \
	test_render \
	test_resolve \
	test_runcheck \
	test_service \
	test_signal_name \
	test_sources \
	test_stage \
	test_str \
	test_supervise_cells \
	test_supervise_order \
	test_supervise_policy \
	test_supervise_random \
	test_supervise_restart \
	test_supervise_stop \
	test_supervise_upkeep \
	test_sys \
	test_template \
	test_template_limits \
	test_template_random \
	test_tree \
	test_user \
	test_words \
	test_yaml

# What a unit test puts in the place of a system call, or of the C library's memory.
WRAP_MEMORY := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(BUILD)/test/unit/test_arena: EXTRA := $(WRAP_MEMORY)
$(BUILD)/test/unit/test_beneath: EXTRA := -Wl,--wrap=sys_unlinkat
$(BUILD)/test/unit/test_buf: EXTRA := $(WRAP_MEMORY)
$(BUILD)/test/unit/test_fd: EXTRA := $(WRAP_MEMORY) \
	-Wl,--wrap=sys_open,--wrap=sys_write,--wrap=sys_write_nowait
$(BUILD)/test/unit/test_log: EXTRA := $(WRAP_MEMORY) -Wl,--wrap=fd_write_nowait
$(BUILD)/test/unit/test_sources: EXTRA := -Wl,--wrap=sys_inotify_add
$(BUILD)/test/unit/test_relay: EXTRA := \
	-Wl,--wrap=sys_read,--wrap=sys_write,--wrap=sys_unread,--wrap=sys_epoll_wait,--wrap=sys_splice
$(BUILD)/test/unit/test_probe: EXTRA := \
	-Wl,--wrap=sys_open,--wrap=sys_connect,--wrap=sys_read,--wrap=sys_now,--wrap=sys_poll \
	-Wl,--wrap=sys_sleep
$(BUILD)/test/unit/test_resolve: EXTRA := -Wl,--wrap=sys_open,--wrap=sys_connect,--wrap=sys_getrandom
# With tables of their own, to take things out of.
SUPERVISE_TABLES := -DSUPERVISE_TABLE= src/init/supervise.c src/init/supervise_table.c
$(BUILD)/test/unit/test_supervise_cells: EXTRA := $(SUPERVISE_TABLES) tests/unit/supervise_cells.c
$(BUILD)/test/unit/test_supervise_random: EXTRA := $(SUPERVISE_TABLES) tests/unit/supervise_shadow.c
$(filter $(BUILD)/test/unit/test_supervise_%,$(UNIT_TESTS:%=$(BUILD)/test/unit/%)): \
	$(wildcard tests/unit/supervise_*.[ch])
$(BUILD)/test/unit/test_template_limits: EXTRA := $(WRAP_MEMORY) -Wl,--wrap=sys_writev
$(BUILD)/test/unit/test_loop: EXTRA := $(WRAP_MEMORY) \
	-Wl,--wrap=sys_epoll_create,--wrap=sys_epoll_wait,--wrap=sys_now
$(BUILD)/test/unit/test_out: EXTRA := $(WRAP_MEMORY) -Wl,--wrap=sys_writev

# tests/NAME.c, cmocka programs built like the unit tests. One that needs flags of its own says so
# below its name: $(BUILD)/test/NAME: EXTRA := -Wl,--wrap=sys_open
C_TESTS := \
	compat/test_options \
	compat/test_signals \
	faults/test_config \
	faults/test_env \
	faults/test_render \
	faults/test_startup \
	pid1/test_control \
	pid1/test_end \
	pid1/test_engine \
	pid1/test_exec \
	pid1/test_helpers \
	pid1/test_job \
	pid1/test_log \
	pid1/test_reload \
	pid1/test_reloader \
	pid1/test_services \
	pid1/test_ready \
	pid1/test_signals \
	pid1/test_stop \
	reload/test_load \
	runtime/test_java \
	runtime/test_node

# The static husk as PID 1 of new namespaces.
$(BUILD)/test/pid1/%: EXTRA := tests/pid1/pid1.c
comma := ,
$(BUILD)/test/pid1/test_engine: EXTRA := tests/pid1/pid1.c $(addprefix -Wl$(comma)--wrap=sys_, \
	epoll_create epoll_ctl execve fork getpgid kill pipe read set_subreaper setpgid signalfd tcgetpgrp)
$(BUILD)/test/pid1/test_reloader: EXTRA := tests/pid1/pid1.c \
	-Wl,--wrap=sys_epoll_wait,--wrap=sys_fork,--wrap=sys_now
$(BUILD)/test/pid1/test_helpers: EXTRA := tests/pid1/pid1.c -Wl,--wrap=sys_epoll_wait,--wrap=sys_fork
$(addprefix $(BUILD)/test/,$(filter pid1/%,$(C_TESTS))): tests/pid1/pid1.c tests/pid1/pid1.h

# Servers under load.
$(BUILD)/test/reload/%: EXTRA := tests/pid1/pid1.c tests/reload/load.c
$(BUILD)/test/reload/test_load: tests/pid1/pid1.c tests/pid1/pid1.h tests/reload/load.c tests/reload/load.h

# The originals beside husk by their names.
$(BUILD)/test/compat/%: EXTRA := tests/pid1/pid1.c tests/compat/record.c
$(addprefix $(BUILD)/test/,$(filter compat/%,$(C_TESTS))): tests/pid1/pid1.c tests/pid1/pid1.h \
	tests/compat/record.c tests/compat/record.h

# libyaml's own allocations fail as well.
$(BUILD)/test/faults/test_config: EXTRA := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup \
	-Wl,--wrap=sys_open,--wrap=sys_read,--wrap=sys_fstat,--wrap=sys_fstatat,--wrap=sys_getdents \
	-Wl,--whole-archive -l:libyaml.a -Wl,--no-whole-archive

$(BUILD)/test/faults/test_env: EXTRA := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=sys_open,--wrap=sys_read,--wrap=sys_fstat

# Everything that a rendering asks of the kernel.
$(BUILD)/test/faults/test_render: EXTRA := $(WRAP_MEMORY) \
	-Wl,--wrap=sys_open,--wrap=sys_openat,--wrap=sys_openat2,--wrap=sys_close,--wrap=sys_read \
	-Wl,--wrap=sys_pread,--wrap=sys_write,--wrap=sys_writev,--wrap=sys_copy_range \
	-Wl,--wrap=sys_fstat,--wrap=sys_fstatat,--wrap=sys_statfs,--wrap=sys_mkdirat \
	-Wl,--wrap=sys_unlinkat,--wrap=sys_renameat,--wrap=sys_exchange,--wrap=sys_symlinkat \
	-Wl,--wrap=sys_readlinkat,--wrap=sys_fchmod,--wrap=sys_fsync,--wrap=sys_flock \
	-Wl,--wrap=sys_getrandom,--wrap=sys_getdents,--wrap=sys_lseek \
	-Wl,--wrap=sys_map_file,--wrap=sys_madvise,--wrap=sys_sigaction_catch

# The whole of husk, every system call and allocation of it wrapped: the list is made from sys.h.
FAULTS := $(addprefix tests/faults/,case.c inject.c main.c served.c world.c)
$(BUILD)/test/faults/test_startup: EXTRA := -I$(BUILD)/test/faults @$(BUILD)/test/faults/wrap.flags \
	$(FAULTS) tests/pid1/pid1.c -Wl,--whole-archive -l:libyaml.a -Wl,--no-whole-archive
$(BUILD)/test/faults/test_startup: $(FAULTS) $(wildcard tests/faults/*.h) tests/pid1/pid1.c src/cmd/main.c \
	$(BUILD)/test/faults/calls.h
$(BUILD)/test/faults/calls.h: include/base/sys.h tests/faults/calls
	@mkdir -p $(@D)
	tests/faults/calls $@ $(@D)/wrap.flags <$<

# Programs that print TAP and are run as they are; NAME:SECONDS where 60 seconds are too few.
SCRIPT_TESTS := \
	tests/bench/test_bench:300 \
	tests/chaos/run:400 \
	tests/check/test_checks:600 \
	tests/check/test_run \
	tests/cmd/test_env \
	tests/cmd/test_readme \
	tests/cmd/test_main \
	tests/cmd/test_probe:180 \
	tests/cmd/test_services \
	tests/compat/envsubst:180 \
	tests/compat/filters:300 \
	tests/compat/suites:600 \
	tests/setup/test_build:300 \
	tests/setup/test_foreign:400 \
	tests/setup/test_packages \
	tests/setup/test_sources \
	tests/render/render \
	tests/container/presets \
	tests/container/run:900 \
	tests/demo/test_demo:300

# tests/fuzz/NAME.c, each with a corpus in tests/fuzz/corpus/NAME.
FUZZ_TARGETS := \
	fuzz_config \
	fuzz_dns \
	fuzz_fcgi \
	fuzz_http \
	fuzz_ctlproto \
	fuzz_notify \
	fuzz_options \
	fuzz_probe \
	fuzz_template \
	fuzz_words \
	fuzz_yaml
FUZZ_SECONDS ?= 60

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wswitch-enum -Wformat=2 \
	-Wnull-dereference
WERROR   := $(if $(CI),-Werror)
CPPFLAGS := -D_GNU_SOURCE -DHUSK_VERSION='"$(VERSION)"' -Iinclude
CFLAGS   := -std=c11 $(WARNINGS)

# The release: static musl, reproducible.
# Whatever makes code faster and larger is off, and so are the registers of floating point, which
# functions like printf would save for nothing.
MUSL_SMALL  := -Oz -mgeneral-regs-only -fno-jump-tables -fno-tree-ch -fno-tree-pre -fno-code-hoisting \
	-fno-tree-loop-im -fno-move-loop-invariants $(if $(filter x86_64,$(TRIPLE)),-malign-data=abi)
MUSL_CFLAGS := $(MUSL_SMALL) -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-fno-pie -fstack-protector -ffile-prefix-map=$(CURDIR)=. -DHUSK_WITHOUT_HELP
MUSL_LDFLAGS := -static -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,norelro \
	-Wl,-z,noseparate-code -s
# What stands where in the file: less to map at the start, less to keep in memory.
HUSK_LAYOUT := src/husk.ld

# Where each byte of a template passes speed counts, not size.
MUSL_FAST := src/text/template_read src/text/template_run
$(MUSL_FAST:%=$(BUILD)/musl/%.o): private MUSL_CFLAGS := -O2 $(filter-out $(MUSL_SMALL),$(MUSL_CFLAGS))

# The tests: glibc, sanitizers.
TEST_CFLAGS  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TEST_LDFLAGS := -fsanitize=address,undefined
TEST_LIBS    := -lcmocka -lyaml

FUZZ_CC     ?= clang
FUZZ_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined

# libyaml for musl: LIBYAML= names one that is there; where the compiler itself is musl's the
# system's is used; else the parser's half is built from Debian's source package, pinned here.
YAML_VERSION := 0.2.5
YAML_ORIG    := libyaml_$(YAML_VERSION).orig.tar.gz
YAML_SHA256  := fa240dbf262be053f3898006d502d514936c818e422afdcf33921c63bed9bf2e
YAML_DIR     := $(BUILD)/libyaml
YAML_DEFINES := -DYAML_VERSION_MAJOR=0 -DYAML_VERSION_MINOR=2 -DYAML_VERSION_PATCH=5 \
	-DYAML_VERSION_STRING='"$(YAML_VERSION)"' -DNDEBUG
YAML_SRC     := api reader scanner parser
YAML_OBJ     := $(YAML_SRC:%=$(YAML_DIR)/%.o)

ifneq ($(CROSS),)
MUSL_SPECS      := $(BUILD)/musl-dev/specs
MUSL_CC         := $(TRIPLE)-linux-gnu-gcc -specs $(MUSL_SPECS)
else ifneq ($(findstring musl,$(shell $(CC) -dumpmachine 2>/dev/null)),)
MUSL_CC         ?= $(CC)
LIBYAML         ?= /usr/lib/libyaml.a
LIBYAML_INCLUDE ?= /usr/include
endif
MUSL_CC         ?= musl-gcc
LIBYAML         ?= $(YAML_DIR)/libyaml.a
LIBYAML_INCLUDE ?= $(YAML_DIR)/include

# Peers of the benchmark that Debian has only with glibc, from the same sources.
DUMB_INIT_VERSION := 1.2.5
DUMB_INIT_SHA256  := 3eda470d8a4a89123f4516d26877a727c0945006c8830b7e3bad717a5f6efc4e
TINI_VERSION      := 0.19.0
TINI_SHA256       := 0fd35a7030052acd9f58948d1d900fe1e432ee37103c5561554408bdac6bbf0d
PEER_DIR          := $(BUILD)/bench/peers
PEERS             := $(BUILD)/bench/dumb-init-musl $(BUILD)/bench/tini-musl $(PEER_DIR)/runit $(PEER_DIR)/supervisor

MUSL_OBJ := $(SRC:%.c=$(BUILD)/musl/%.o)
TEST_OBJ := $(patsubst %.c,$(BUILD)/test/%.o,$(filter-out src/cmd/main.c,$(SRC)))
FUZZ_OBJ := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(filter-out src/cmd/main.c,$(SRC)))
UNIT_BIN := $(UNIT_TESTS:%=$(BUILD)/test/unit/%)
C_BIN    := $(C_TESTS:%=$(BUILD)/test/%)
FUZZ_BIN := $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)
CHAOS_BIN := $(BUILD)/test/chaos/chaos
BENCH_BIN := $(addprefix $(BUILD)/bench/,bench bare target)
CHILD_BIN := $(if $(wildcard tests/testchild.c),$(BUILD)/test/testchild)

# What scripts are told.
export BUILD VERSION
export HUSK := $(CURDIR)/$(BUILD)/husk
export FUZZ_TARGETS
export TESTCHILD := $(CURDIR)/$(BUILD)/test/testchild

quote = '$(subst ','\'',$1)'

# V=1 shows the commands themselves.
ifndef V
.SILENT:
say = echo "  $@"
endif

all: $(BUILD)/husk ## build/husk, the static binary; V=1 shows each command

PROGRAMS := $(BUILD)/husk $(UNIT_BIN) $(C_BIN) $(FUZZ_BIN) $(CHILD_BIN) $(BENCH_BIN) $(CHAOS_BIN)
programs: $(PROGRAMS)

test: $(PROGRAMS) | setup-test setup-container setup-foreign setup-$(OTHER) ## every test; ONLY=NAME runs those whose name has it
	tests/run $(if $(ONLY),-o $(ONLY)) $(UNIT_BIN) $(C_BIN:%test_startup=%test_startup:600) $(SCRIPT_TESTS) \
		$(if $(FUZZ_TARGETS),tests/fuzz/run:600)

unit: $(UNIT_BIN) ## the unit tests alone
	$(if $(UNIT_BIN),tests/run $(if $(ONLY),-o $(ONLY)) $(UNIT_BIN))

check: $(BUILD)/husk | setup-build setup-unit setup-check ## format, floors, lint, analysis; ONLY=NAME runs one
	@CHECK_FLAGS=$(call quote,$(CPPFLAGS) $(CFLAGS)) CHECK_MUSL=$(call quote,$(MUSL_CC) -isystem $(LIBYAML_INCLUDE)) \
		tests/check/all $(ONLY)

# What tests/setup/test_foreign needs beside the build.
foreign: $(BUILD)/husk $(CHILD_BIN) | setup-foreign

ifneq ($(FUZZ_TARGETS),)
fuzz: $(FUZZ_BIN) ## new inputs for the parsers, FUZZ_SECONDS=60 for each
	tests/fuzz/run $(FUZZ_SECONDS)
endif

chaos: $(BUILD)/husk $(CHILD_BIN) $(CHAOS_BIN) | setup-test ## fifty services and everything that can go wrong, CHAOS_SECONDS=300 CHAOS_SEED=
	tests/chaos/run $(or $(CHAOS_SECONDS),300) $(CHAOS_SEED)

ifneq ($(wildcard tests/demo/run),)
demo: $(BUILD)/husk | setup-demo ## nginx in a root tree without a shell serves a page and stops
	tests/demo/run
endif

bench: $(BUILD)/husk $(BENCH_BIN) $(PEERS) | setup-bench ## against programs that do parts of it; SAVE=1 keeps the table
	tests/bench/run
	$(if $(SAVE),cp $(BUILD)/bench/README.md tests/bench/README.md)

install: $(BUILD)/husk ## DESTDIR= PREFIX=: the binary and its manual pages
	install -D -m 755 $(BUILD)/husk $(DESTDIR)$(PREFIX)/bin/husk
	for page in $(MANUALS); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; \
	done

clean: ## removes everything that was built
	rm -rf $(BUILD)

# Targets whose programs are not there.
ABSENT := $(if $(FUZZ_TARGETS),,fuzz) $(if $(wildcard tests/demo/run),,demo)

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / && !(" $(ABSENT) " ~ " " $$1 " ") { printf "make %-10s %s\n", $$1, $$2 }' Makefile

# Packages, by the groups of tests/setup/packages.
SETUP := setup-build setup-unit setup-check setup-test setup-container setup-demo setup-bench setup-foreign \
	setup-amd64 setup-arm64
$(SETUP): setup-%:
	@tests/setup/install $*

# A file that changes when the text does: what depends on it is made again with other flags.
define note
@mkdir -p $(@D)
@printf '%s\n' $(call quote,$1) | cmp -s - $@ || printf '%s\n' $(call quote,$1) >$@
endef

$(BUILD)/musl/flags: FORCE
	$(call note,$(MUSL_CC) $(CPPFLAGS) $(CFLAGS) $(MUSL_CFLAGS) $(YAML_DEFINES))

$(BUILD)/musl/link: FORCE
	$(call note,$(MUSL_CC) $(MUSL_LDFLAGS) $(LIBYAML) $(SRC))

$(BUILD)/test/flags: FORCE
	$(call note,$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS))

$(BUILD)/test/link: FORCE
	$(call note,$(CC) $(TEST_LDFLAGS) $(TEST_LIBS) $(SRC))

$(BUILD)/fuzz/flags: FORCE
	$(call note,$(FUZZ_CC) $(CPPFLAGS) $(CFLAGS) $(FUZZ_CFLAGS))

$(BUILD)/husk: $(MUSL_OBJ) $(LIBYAML) $(HUSK_LAYOUT) $(BUILD)/musl/link
	$(say)
	$(MUSL_CC) $(MUSL_LDFLAGS) -Wl,-T,$(HUSK_LAYOUT) -o $@ $(MUSL_OBJ) $(LIBYAML)

$(YAML_DIR)/$(YAML_ORIG): | setup-build
	tests/setup/apt-fetch source libyaml $(YAML_ORIG) $(YAML_SHA256) $(YAML_DIR)

$(YAML_DIR)/.unpacked: $(YAML_DIR)/$(YAML_ORIG)
	rm -rf $(YAML_DIR)/src $(YAML_DIR)/include
	mkdir $(YAML_DIR)/src
	tar -xzf $< -C $(YAML_DIR)/src --strip-components=1
	cp -r $(YAML_DIR)/src/include $(YAML_DIR)/include
	touch $@

# The package is unpacked, not installed: its paths are those of an installation.
$(BUILD)/musl-dev/specs: | setup-$(CROSS)
	tests/setup/apt-fetch binary musl-dev $(CROSS) $(BUILD)
	dpkg-deb -x $(BUILD)/musl-dev.deb $(BUILD)/musl-dev
	sed 's,/usr/\(lib\|include\)/,$(CURDIR)/$(BUILD)/musl-dev&,g' \
		$(BUILD)/musl-dev/usr/lib/$(TRIPLE)-linux-musl/musl-gcc.specs >$@

$(YAML_OBJ): $(YAML_DIR)/%.o: $(YAML_DIR)/.unpacked $(BUILD)/musl/flags $(MUSL_SPECS)
	$(say)
	$(MUSL_CC) $(MUSL_CFLAGS) -w $(YAML_DEFINES) -I$(YAML_DIR)/include -c -o $@ $(YAML_DIR)/src/src/$*.c

$(YAML_DIR)/libyaml.a: $(YAML_OBJ)
	rm -f $@ && ar rcsD $@ $(YAML_OBJ)

$(BUILD)/musl/%.o: %.c $(LIBYAML) $(BUILD)/musl/flags $(MUSL_SPECS) | setup-build
	@mkdir -p $(@D)
	$(say)
	$(MUSL_CC) $(CPPFLAGS) -isystem $(LIBYAML_INCLUDE) $(CFLAGS) $(WERROR) $(MUSL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/test/%.o: %.c $(BUILD)/test/flags | setup-build setup-unit
	@mkdir -p $(@D)
	$(say)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WERROR) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/test/libhusk.a: $(TEST_OBJ) $(BUILD)/test/link
	rm -f $@ && ar rcs $@ $(TEST_OBJ)

$(BUILD)/test/%: tests/%.c $(BUILD)/test/libhusk.a $(BUILD)/test/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(WERROR) $(TEST_CFLAGS) -MMD -MP $(TEST_LDFLAGS) $(EXTRA) -o $@ $< $(BUILD)/test/libhusk.a $(TEST_LIBS)

$(BUILD)/test/testchild: tests/testchild.c include/init/ctlproto.h $(BUILD)/musl/flags $(MUSL_SPECS) | setup-build
	@mkdir -p $(@D)
	$(MUSL_CC) $(CPPFLAGS) $(CFLAGS) $(WERROR) $(MUSL_CFLAGS) $(MUSL_LDFLAGS) -o $@ $<

$(BUILD)/bench/bench: $(wildcard tests/bench/*.h) $(addprefix tests/bench/,bench.c measure.c services.c) $(BUILD)/test/flags | setup-build
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WERROR) -O2 -o $@ $(filter %.c,$^)

$(BUILD)/bench/bare $(BUILD)/bench/target: $(BUILD)/bench/%: tests/bench/%.c $(BUILD)/musl/flags | setup-build
	@mkdir -p $(@D)
	$(MUSL_CC) $(CPPFLAGS) $(CFLAGS) $(WERROR) $(MUSL_CFLAGS) $(MUSL_LDFLAGS) -o $@ $<

$(PEER_DIR)/dumb-init_$(DUMB_INIT_VERSION).orig.tar.gz: | setup-bench
	tests/setup/apt-fetch source dumb-init $(@F) $(DUMB_INIT_SHA256) $(@D)

$(PEER_DIR)/tini_$(TINI_VERSION).orig.tar.gz: | setup-bench
	tests/setup/apt-fetch source tini $(@F) $(TINI_SHA256) $(@D)

$(BUILD)/bench/dumb-init-musl: $(PEER_DIR)/dumb-init_$(DUMB_INIT_VERSION).orig.tar.gz
	tar -xzf $< -C $(PEER_DIR)
	printf '%s\n' 'unsigned char VERSION[] = "$(DUMB_INIT_VERSION)\n";' \
		'unsigned int VERSION_len = sizeof(VERSION) - 1;' >$(PEER_DIR)/dumb-init-$(DUMB_INIT_VERSION)/VERSION.h
	$(MUSL_CC) -std=gnu99 -Os -w -static -s -o $@ $(PEER_DIR)/dumb-init-$(DUMB_INIT_VERSION)/dumb-init.c

$(BUILD)/bench/tini-musl: $(PEER_DIR)/tini_$(TINI_VERSION).orig.tar.gz
	tar -xzf $< -C $(PEER_DIR)
	printf '%s\n' '#define TINI_VERSION "$(TINI_VERSION)"' '#define TINI_GIT ""' \
		>$(PEER_DIR)/tini-$(TINI_VERSION)/src/tiniConfig.h
	$(MUSL_CC) -std=gnu99 -Os -w -static -s -o $@ $(PEER_DIR)/tini-$(TINI_VERSION)/src/tini.c

# Unpacked, not installed: their packages would have this machine run them.
$(PEER_DIR)/runit $(PEER_DIR)/supervisor: | setup-bench
	tests/setup/apt-fetch binary $(@F) $(shell dpkg --print-architecture 2>/dev/null) $(@D)
	dpkg-deb -x $@.deb $@

$(BUILD)/fuzz/%.o: %.c $(BUILD)/fuzz/flags | setup-build setup-unit setup-test
	@mkdir -p $(@D)
	$(say)
	$(FUZZ_CC) $(CPPFLAGS) $(CFLAGS) $(WERROR) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/libhusk.a: $(FUZZ_OBJ) $(BUILD)/test/link
	rm -f $@ && ar rcs $@ $(FUZZ_OBJ)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/fuzz/libhusk.a $(BUILD)/fuzz/flags
	$(FUZZ_CC) $(CPPFLAGS) -Itests $(CFLAGS) $(WERROR) $(FUZZ_CFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< $(BUILD)/fuzz/libhusk.a -lyaml

-include $(MUSL_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(FUZZ_OBJ:.o=.d) $(UNIT_BIN:=.d) $(C_BIN:=.d) $(FUZZ_BIN:=.d) $(CHAOS_BIN:=.d)

FORCE:
.PHONY: all programs foreign test unit check chaos $(filter-out $(ABSENT),fuzz demo) bench install clean help FORCE $(SETUP)
.DELETE_ON_ERROR:
