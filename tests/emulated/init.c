/**
 * @file init.c
 * The first and only process of the emulated machine (see run-avx512): runs /program with the
 * arguments in /arguments and the environment in /environment (each string ended by a NUL), its
 * output on the second serial port; reports its exit status on the first, the console; and switches
 * the machine off.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { MOST_STRINGS = 256, MOST_BYTES = 1 << 16, SHUTDOWN_PORT = 0x8900 };

/** A list of NUL-ended strings read from a file, with a NULL behind the last. */
typedef struct strings_t {
    char bytes[MOST_BYTES];
    char *list[MOST_STRINGS + 1];
} strings_t;

static void strings_read(strings_t *strings, const char *path) {
    int count = 0;
    int file = open(path, O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, strings->bytes, MOST_BYTES - 1);
    for (ssize_t start = 0; start < length && count < MOST_STRINGS; ++start) {
        strings->list[count++] = strings->bytes + start;
        while (strings->bytes[start] != '\0') {
            ++start;
        }
    }
    strings->list[count] = NULL;
    if (file >= 0) {
        close(file);
    }
}

/** Opens the second serial port so that bytes pass as they are. */
static int port_open(void) {
    int port = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    struct termios how;
    if (port < 0 || tcgetattr(port, &how) != 0) {
        perror("init: /dev/ttyS1");
        return -1;
    }
    cfmakeraw(&how);
    cfsetspeed(&how, B115200);
    how.c_cflag |= CLOCAL;
    if (tcsetattr(port, TCSANOW, &how) != 0) {
        perror("init: /dev/ttyS1");
        return -1;
    }
    return port;
}

/** Runs the program; returns its exit status, 128 + the signal that ended it, 125 without a port.
 */
static int program_run(char *const *arguments, char *const *environment) {
    int port = port_open();
    if (port < 0) {
        return 125;
    }
    pid_t child = fork();
    if (child == 0) {
        if (dup2(port, STDOUT_FILENO) >= 0 && dup2(port, STDERR_FILENO) >= 0) {
            execve("/program", arguments, environment);
        }
        perror("init: /program");
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("init: /program");
        return 125;
    }
    tcdrain(port);
    close(port);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/** Bochs ends when it reads this word, letter by letter, on this port. */
static void machine_off(void) {
    static const char word[] = "Shutdown";
    if (iopl(3) == 0) {
        for (const char *letter = word; *letter != '\0'; ++letter) {
            outb((unsigned char)*letter, SHUTDOWN_PORT);
        }
    }
}

int main(void) {
    static strings_t arguments;
    static strings_t environment;
    if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) != 0 ||
        mount("proc", "/proc", "proc", 0, NULL) != 0 ||
        mount("sysfs", "/sys", "sysfs", 0, NULL) != 0) {
        perror("init: mount");
    }
    strings_read(&arguments, "/arguments");
    strings_read(&environment, "/environment");
    int status = program_run(arguments.list, environment.list);
    printf("run-avx512: exit status %d\n", status);
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    machine_off();
    perror("init: cannot switch off");
    for (;;) {
        pause();
    }
}
