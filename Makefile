# SPDX-License-Identifier: GPL-2.0-only
#
#   make            the program, the library, the manual
#   make run        install what is needed, build, load, and show it at work
#   make check      everything that CI runs; make soak: the long rounds
#   make test STEP=NAME   one step of these (tests/run --list), or without STEP those that your change touches
#   make bench      what it costs and how fast it kills: tables and plots in build/bench
#   make bench-accept   the instruction counts of this build become those that CI compares with
#   make install    DESTDIR= PREFIX=
#   make deps lint clean
#
# V=1 shows the commands. OUTPUT=DIR builds elsewhere. CLANG= and CC= choose the compilers.
# MUTATION=NAME builds with one safety taken out (bpf/mutant.bpf.h says which), never for use.

VERSION := 0.1.0
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
OUTPUT ?= build
CLANG ?= clang
LLVM_STRIP ?= $(subst clang,llvm-strip,$(CLANG))
CC ?= gcc
CFLAGS ?= -O2 -g
RST2MAN ?= $(firstword $(shell command -v rst2man rst2man.py) rst2man)
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

export OUTPUT

ifeq ($(V),1)
Q :=
msg =
else
Q := @
msg = @printf '  %-8s %s\n' "$(1)" "$(patsubst $(OUTPUT)/%,%,$(2))";
MAKEFLAGS += --no-print-directory
endif

.DELETE_ON_ERROR:
.SUFFIXES:

WARN := -Wall -Wextra -Werror
C_FLAGS := -std=gnu11 -D_GNU_SOURCE -DAUTOKILL_VERSION='"$(VERSION)"' $(WARN) \
	-Wmissing-prototypes -Wstrict-prototypes -Wshadow -iquote . -iquote include -iquote user
MUTATE := $(if $(MUTATION),-DMUTATION=MUTANT_$(MUTATION))

# clang for the BPF target does not look where the system's headers are; ask it for its own list.
BPF_INCLUDES = $(shell $(CLANG) -v -E - </dev/null 2>&1 | \
	sed -n '/<...> search starts here:/,/End of search list/ s/^ \(.*\)/-idirafter \1/p')
# libbpf's BPF_CORE_READ() of a member of a const struct makes a const variable and fills it by its address: clang 21 warns.
BPF_FLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -D__bpf__ $(WARN) \
	-Wno-unused-parameter -Wno-unknown-warning-option -Wno-default-const-init-var-unsafe -I. -Iinclude

USER_SRC := $(wildcard user/*.c user/*/*.c)
USER_OBJ := $(USER_SRC:user/%.c=$(OUTPUT)/user/%.o)
USER_DIRS := $(patsubst %/,%,$(sort $(dir $(USER_OBJ))))
OBJECTS := $(OUTPUT)/user/kernel/objects.o
USER_CFLAGS := $(shell pkg-config --cflags smartcols json-c libsystemd 2>/dev/null)
USER_LIBS := -lbpf -lelf -lz -lcap -ljson-c -lsmartcols -lsystemd
LIB_OBJ := $(OUTPUT)/lib/autokill.o
BPF_OBJ := $(patsubst %,$(OUTPUT)/bpf/autokill.%.o,agent agent_signal task_work_impl task_work)
MAN_SRC := $(wildcard doc/*.rst)
MAN := $(MAN_SRC:doc/%.rst=$(OUTPUT)/man/%)

all: $(OUTPUT)/autokill lib man

lib: $(OUTPUT)/libautokill.a $(OUTPUT)/libautokill.so.1 $(OUTPUT)/autokill.pc

man: $(MAN)

# --- the kernel side: one source; an object for kernels without task work, and one for each spelling of its kfunc

BPF_DEPS := $(wildcard bpf/*) vmlinux.h $(wildcard include/*.h)
$(OUTPUT)/bpf/autokill.agent.o: BPF_VARIANT := -DAGENT
$(OUTPUT)/bpf/autokill.agent_signal.o: BPF_VARIANT := -DAGENT -DSIGNAL_HERE
$(OUTPUT)/bpf/autokill.task_work_impl.o: BPF_VARIANT := -DTASK_WORK_IMPL
$(BPF_OBJ): bpf/autokill.bpf.c $(BPF_DEPS) $(OUTPUT)/.flags | $(OUTPUT)/bpf
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_FLAGS) $(BPF_VARIANT) $(MUTATE) $(BPF_INCLUDES) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

# --- the user side

$(OBJECTS): user/kernel/objects.S $(BPF_OBJ) | $(USER_DIRS)
	$(call msg,AS,$@)
	$(Q)$(CC) -DBPF_OBJECT_AGENT='"$(OUTPUT)/bpf/autokill.agent.o"' \
		-DBPF_OBJECT_AGENT_SIGNAL='"$(OUTPUT)/bpf/autokill.agent_signal.o"' \
		-DBPF_OBJECT_IMPL='"$(OUTPUT)/bpf/autokill.task_work_impl.o"' \
		-DBPF_OBJECT='"$(OUTPUT)/bpf/autokill.task_work.o"' -c $< -o $@

# The list of headers names its target by $(OUTPUT), which may be spelt otherwise next time (build, /path/to/build).
$(OUTPUT)/user/%.o: user/%.c $(OUTPUT)/.flags | $(USER_DIRS)
	$(call msg,CC,$@)
	$(Q)$(CC) $(C_FLAGS) $(USER_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(MUTATE) -MMD -MP -MT '$$(OUTPUT)/user/$*.o' -c $< -o $@

$(OUTPUT)/autokill: $(USER_OBJ) $(OBJECTS) $(OUTPUT)/libautokill.a
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(USER_LIBS) -lpthread

# --- the library

$(LIB_OBJ): lib/autokill.c include/autokill.h $(OUTPUT)/.flags | $(OUTPUT)/lib
	$(call msg,CC,$@)
	$(Q)$(CC) $(C_FLAGS) $(CPPFLAGS) $(CFLAGS) -fPIC -c $< -o $@

$(OUTPUT)/libautokill.a: $(LIB_OBJ)
	$(call msg,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUTPUT)/libautokill.so.1: $(LIB_OBJ) lib/autokill.map
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libautokill.so.1 \
		-Wl,--version-script=lib/autokill.map $(LIB_OBJ) -o $@
	$(Q)ln -sf libautokill.so.1 $(OUTPUT)/libautokill.so

$(OUTPUT)/autokill.pc: lib/autokill.pc.in $(OUTPUT)/.prefix
	$(call msg,GEN,$@)
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' \
		$< > $@

$(OUTPUT)/man/%: doc/%.rst | $(OUTPUT)/man
	$(call msg,MAN,$@)
	$(Q)$(RST2MAN) --strict $< $@

# --- tests

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT := $(UNIT_SRC:tests/unit/%.c=$(OUTPUT)/tests/%)
UNIT_OBJ := $(filter-out $(OUTPUT)/user/main.o,$(USER_OBJ)) $(OBJECTS)
TEST_LIBS := -lcmocka $(USER_LIBS) -lpthread

$(OUTPUT)/tests/test_%: tests/unit/test_%.c $(wildcard tests/unit/*.h) $(UNIT_OBJ) \
		$(OUTPUT)/libautokill.a | $(OUTPUT)/tests
	$(call msg,LINK,$@)
	$(Q)$(CC) $(C_FLAGS) $(USER_CFLAGS) $(CFLAGS) -iquote tests/unit $< $(UNIT_OBJ) $(OUTPUT)/libautokill.a \
		$(LDFLAGS) -o $@ $(TEST_LIBS)

CONFORMANCE_SRC := $(wildcard tests/conformance/*.c)
$(OUTPUT)/tests/conformance: $(CONFORMANCE_SRC) $(wildcard tests/conformance/*.h) \
		include/autokill.h $(OUTPUT)/.flags | $(OUTPUT)/tests
	$(call msg,LINK,$@)
	$(Q)$(CC) -std=gnu11 $(WARN) $(CFLAGS) -iquote include $(CONFORMANCE_SRC) -o $@ \
		-lcmocka -lbpf -lpthread

$(OUTPUT)/tests/%: tests/stress/%.c $(wildcard tests/stress/*.h) include/autokill.h include/autokill_state.h \
		bpf/programs.h $(OUTPUT)/libautokill.a $(OUTPUT)/.flags | $(OUTPUT)/tests
	$(call msg,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -static -iquote . -iquote include $< $(OUTPUT)/libautokill.a -o $@ -lpthread

$(OUTPUT)/bench/programs/%: bench/%.c bench/bench.h tests/stress/stress.h include/autokill.h include/autokill_state.h \
		bpf/programs.h $(OUTPUT)/.flags | $(OUTPUT)/bench/programs
	$(call msg,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -static -iquote . -iquote include -iquote tests/stress $< -o $@ -lpthread

$(OUTPUT)/tests/%: tests/guest/%.c $(OUTPUT)/.flags | $(OUTPUT)/tests
	$(call msg,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -static $< -o $@

STRESS := $(patsubst tests/stress/%.c,$(OUTPUT)/tests/%,$(wildcard tests/stress/*.c))
BENCH := $(patsubst bench/%.c,$(OUTPUT)/bench/programs/%,$(wildcard bench/*.c))
GUEST_TESTS := $(BENCH) $(OUTPUT)/tests/conformance $(OUTPUT)/tests/pty $(OUTPUT)/tests/sigs $(OUTPUT)/tests/steal \
	$(OUTPUT)/tests/contained $(OUTPUT)/tests/notify $(OUTPUT)/tests/forbid $(STRESS)

unit: $(UNIT)
list-unit: # for tests/run, which runs them
	@echo $(UNIT)
guest-tests: $(GUEST_TESTS)
tests: unit guest-tests

# --- what users and CI call

deps:
	$(Q)tools/deps install

run: deps
	$(Q)$(MAKE) all
	$(Q)demo/run

check: deps
	$(Q)tests/run --tier check

soak: deps
	$(Q)tests/run --tier soak

test: deps
	$(Q)tests/run $(or $(STEP),--changed)

bench: deps
	$(Q)bench/run

bench-accept: deps
	$(Q)bench/run --accept

lint: all
	$(Q)tests/lint

install: all
	$(Q)install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	$(Q)install -m 755 $(OUTPUT)/autokill $(DESTDIR)$(BINDIR)/autokill
	$(Q)install -m 644 $(OUTPUT)/libautokill.a $(DESTDIR)$(LIBDIR)/
	$(Q)install -m 755 $(OUTPUT)/libautokill.so.1 $(DESTDIR)$(LIBDIR)/
	$(Q)ln -sf libautokill.so.1 $(DESTDIR)$(LIBDIR)/libautokill.so
	$(Q)install -m 644 $(OUTPUT)/autokill.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	$(Q)install -m 644 include/autokill.h include/autokill_state.h $(DESTDIR)$(INCLUDEDIR)/
	$(Q)for page in $(MAN); do \
		section=$${page##*.}; install -d $(DESTDIR)$(MANDIR)/man$$section && \
		install -m 644 $$page $(DESTDIR)$(MANDIR)/man$$section/ || exit 1; done
	$(Q)install -d $(DESTDIR)$(BASHCOMPDIR) $(DESTDIR)$(ZSHCOMPDIR)
	$(Q)install -m 644 completion/autokill.bash $(DESTDIR)$(BASHCOMPDIR)/autokill
	$(Q)install -m 644 completion/_autokill $(DESTDIR)$(ZSHCOMPDIR)/_autokill
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(LIBEXECDIR)/autokill
	$(Q)install -m 755 packaging/stop-unit $(DESTDIR)$(LIBEXECDIR)/autokill/
	$(Q)for unit in autokill autokill-agent; do \
		sed 's|@BINDIR@|$(BINDIR)|; s|@LIBEXECDIR@|$(LIBEXECDIR)|' packaging/$$unit.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit.service || exit 1; done

clean:
	$(Q)rm -rf $(OUTPUT)/bpf $(OUTPUT)/user $(OUTPUT)/lib $(OUTPUT)/man $(OUTPUT)/tests $(OUTPUT)/bench \
		$(OUTPUT)/autokill $(OUTPUT)/libautokill* $(OUTPUT)/autokill.pc $(OUTPUT)/.flags \
		$(OUTPUT)/.prefix

# What depends on these is rebuilt when the flags, or the prefix, are not those of the last build.
$(OUTPUT)/.flags: KEPT := $(CC) $(CLANG) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(MUTATION) $(VERSION)
$(OUTPUT)/.prefix: KEPT := $(PREFIX) $(LIBDIR) $(INCLUDEDIR) $(VERSION)
$(OUTPUT)/.flags $(OUTPUT)/.prefix: FORCE | $(OUTPUT)
	$(Q)echo '$(KEPT)' | cmp -s - $@ || echo '$(KEPT)' > $@

$(OUTPUT) $(OUTPUT)/bpf $(USER_DIRS) $(OUTPUT)/lib $(OUTPUT)/man $(OUTPUT)/tests $(OUTPUT)/bench/programs:
	$(Q)mkdir -p $@

FORCE:
.PHONY: all lib man unit list-unit guest-tests tests deps run check soak test bench bench-accept lint install clean FORCE
-include $(USER_OBJ:.o=.d)
