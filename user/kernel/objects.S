/* SPDX-License-Identifier: GPL-2.0-only */
/* objects.S - the BPF objects, as part of the program: there is no file to lose or to mismatch */
	.section .rodata
	.macro object name, path
	.balign 16
	.global \name
	.global \name\()_end
\name:
	.incbin "\path"
\name\()_end:
	.byte 0
	.endm

	object object_agent, BPF_OBJECT_AGENT
	object object_agent_signal, BPF_OBJECT_AGENT_SIGNAL
	object object_task_work_impl, BPF_OBJECT_IMPL
	object object_task_work, BPF_OBJECT

	.section .note.GNU-stack, "", @progbits
