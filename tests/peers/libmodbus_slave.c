/* A Modbus slave made with libmodbus, for tests: `tcp ADDRESS` or `rtu DEVICE UNIT`.
 *
 * Over TCP it prints the port that it was given. It serves one master until it is killed. Registers
 * are written as literals, because modbus_set_float_abcd of libmodbus 3.1.6 swaps bytes on x86.
 */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static modbus_t *listen_tcp(const char *address, int *listener)
{
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    modbus_t *line = modbus_new_tcp(address, 0);

    if (line == NULL)
        return NULL;
    *listener = modbus_tcp_listen(line, 1);
    if (*listener < 0 || getsockname(*listener, (struct sockaddr *)&bound, &size) < 0)
        return NULL;
    printf("%d\n", ntohs(bound.sin_port));
    fflush(stdout);
    if (modbus_tcp_accept(line, listener) < 0)
        return NULL;
    return line;
}

static modbus_t *open_rtu(const char *device, int unit)
{
    modbus_t *line = modbus_new_rtu(device, 9600, 'N', 8, 1);

    if (line == NULL || modbus_set_slave(line, unit) < 0 || modbus_connect(line) < 0)
        return NULL;
    printf("ready\n");
    fflush(stdout);
    return line;
}

static modbus_mapping_t *registers(void)
{
    modbus_mapping_t *held = modbus_mapping_new(16, 16, 32, 32);

    if (held == NULL)
        return NULL;
    held->tab_bits[0] = 1;
    held->tab_bits[9] = 1;
    held->tab_input_bits[3] = 1;
    held->tab_registers[10] = 0xfff9; /* -7 as int16 */
    held->tab_registers[11] = 0x3fc0; /* 1.5 as float32, high word first */
    held->tab_registers[12] = 0x0000;
    held->tab_input_registers[0] = 0x1170; /* 70000 as uint32, low word first */
    held->tab_input_registers[1] = 0x0001;
    return held;
}

int main(int count, char **words)
{
    uint8_t asked[MODBUS_TCP_MAX_ADU_LENGTH];
    int listener = -1, length = 0;
    modbus_mapping_t *held = registers();
    modbus_t *line = NULL;

    if (count == 3 && strcmp(words[1], "tcp") == 0)
        line = listen_tcp(words[2], &listener);
    else if (count == 4 && strcmp(words[1], "rtu") == 0)
        line = open_rtu(words[2], atoi(words[3]));
    if (line == NULL || held == NULL) {
        fprintf(stderr, "%s\n", modbus_strerror(errno));
        return 1;
    }
    while ((length = modbus_receive(line, asked)) >= 0)
        if (length > 0) /* 0: a question to another unit */
            modbus_reply(line, asked, length, held);
    modbus_mapping_free(held);
    modbus_close(line);
    modbus_free(line);
    if (listener >= 0)
        close(listener);
    return 0;
}
