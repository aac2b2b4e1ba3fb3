/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "input.h"

static const char system_file[] = "/etc/assay/assay.conf";
static const char known_keys[][16] = { "admin-key", "ca", "collateral", "url" };

void
config_clear(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		free(config->collateral[i]);
	free(config->collateral);
	free(config->url);
	free(config->ca);
	free(config->admin_key);
	*config = (struct config){ 0 };
}

static int
add_path(struct config *config, const struct command *command, const char *path, size_t len)
{
	char **more = realloc(config->collateral, (config->count + 1) * sizeof *more);
	char *copy = more != NULL ? strndup(path, len) : NULL;

	if (more != NULL)
		config->collateral = more;
	if (copy == NULL) {
		complain(command, "out of memory");
		return EXIT_TROUBLE;
	}
	config->collateral[config->count++] = copy;
	return 0;
}

/* The later line of a file stands. */
static int
set_text(char **place, const struct command *command, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL) {
		complain(command, "out of memory");
		return EXIT_TROUBLE;
	}
	free(*place);
	*place = copy;
	return 0;
}

static char **
text_of(struct config *config, const char *key)
{
	return strcmp(key, "url") == 0 ? &config->url
	    : strcmp(key, "ca") == 0   ? &config->ca
				       : &config->admin_key;
}

static int
split_list(struct config *config, const struct command *command, const char *list)
{
	int rc = 0;

	while (*list != '\0' && rc == 0) {
		size_t len = strcspn(list, ":");
		if (len > 0)
			rc = add_path(config, command, list, len);
		list += len + (list[len] == ':');
	}
	return rc;
}

static const char *
known_key_at(const void *arg, size_t n)
{
	(void)arg;
	return n < sizeof known_keys / sizeof known_keys[0] ? known_keys[n] : NULL;
}

char *
config_trim(char *text)
{
	text += strspn(text, " \t\r");
	for (size_t len = strlen(text); len > 0 && strchr(" \t\r", text[len - 1]) != NULL; len--)
		text[len - 1] = '\0';
	return text;
}

static int
read_line(struct config *config, const struct command *command, const char *path, unsigned number,
    char *line)
{
	line[strcspn(line, "#")] = '\0';
	line = config_trim(line);
	if (*line == '\0')
		return 0;

	char *equals = strchr(line, '=');
	if (equals == NULL) {
		complain(command, "%s:%u: \"%.40s\" is not \"key = value\"", path, number, line);
		return EXIT_USAGE;
	}
	*equals = '\0';
	const char *key = config_trim(line), *value = config_trim(equals + 1), *known;
	for (size_t i = 0; (known = known_key_at(NULL, i)) != NULL; i++)
		if (strcmp(key, known) == 0)
			break;
	if (known == NULL) {
		complain(command,
		    "%s:%u: \"%.40s\" cannot be set here; collateral, url, ca and admin-key can",
		    path, number, key);
		return EXIT_USAGE;
	}
	if (*value == '\0') {
		complain(command, "%s:%u: %s has no value", path, number, key);
		return EXIT_USAGE;
	}
	if (strcmp(key, "collateral") == 0)
		return add_path(config, command, value, strlen(value));
	return set_text(text_of(config, key), command, value);
}

static int
read_file(struct config *config, const struct command *command, const char *path)
{
	struct input in = { 0 };
	unsigned number = 1;
	int rc;

	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if ((rc = input_read(command, &in, path, "a configuration file")) != 0)
		return rc;
	char *text = in.len > 0 ? strndup((const char *)in.data, in.len) : strdup("");
	if (text == NULL) {
		complain(command, "out of memory");
		rc = EXIT_TROUBLE;
	}
	for (char *line = text, *end; rc == 0 && line != NULL; line = end, number++) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		rc = read_line(config, command, path, number, line);
	}
	free(text);
	input_clear(&in);
	return rc;
}

/* $XDG_CONFIG_HOME/assay/assay.conf, or in ~/.config; NULL if there is no home. */
static char *
user_file(void)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *folder = NULL, *path = NULL;

	if (base != NULL && base[0] == '/')
		folder = strdup(base);
	else if (home != NULL && home[0] == '/')
		folder = input_join(home, ".config");
	if (folder != NULL)
		path = input_join(folder, "assay/assay.conf");
	free(folder);
	return path;
}

/* Where the list of collateral comes from, goes whole; each of the other texts by itself. */
static int
take_texts(struct config *config, const struct command *command, struct config *user,
    struct config *fallback)
{
	static const struct {
		const char *variable, *key;
	} texts[] = { { "ASSAY_URL", "url" }, { "ASSAY_CA", "ca" },
		{ "ASSAY_ADMIN_KEY", "admin-key" } };
	int rc = 0;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0] && rc == 0; i++) {
		const char *value = getenv(texts[i].variable);
		if (value == NULL || value[0] == '\0')
			value = *text_of(user, texts[i].key);
		if (value == NULL)
			value = *text_of(fallback, texts[i].key);
		if (value != NULL)
			rc = set_text(text_of(config, texts[i].key), command, value);
	}
	return rc;
}

int
config_read(struct config *config, const struct command *command)
{
	struct config user = { 0 }, fallback = { .source = "assay.conf" };
	char *path = user_file();
	const char *list = getenv("ASSAY_COLLATERAL");
	int rc = 0;

	*config = (struct config){ .source = "ASSAY_COLLATERAL" };
	if (path != NULL)
		rc = read_file(&user, command, path);
	if (rc == 0)
		rc = read_file(&fallback, command, system_file);
	user.source = fallback.source;
	if (rc == 0 && list != NULL) {
		rc = split_list(config, command, list);
	} else if (rc == 0) {
		struct config *use = user.count > 0 ? &user : &fallback;
		config->collateral = use->collateral;
		config->count = use->count;
		config->source = use->source;
		use->collateral = NULL;
		use->count = 0;
	}
	if (rc == 0)
		rc = take_texts(config, command, &user, &fallback);
	config_clear(&user);
	config_clear(&fallback);
	free(path);
	return rc;
}

int
config_server(struct config *config, const struct args *args)
{
	static const struct {
		enum option_id id;
		const char *key;
	} options[] = { { OPT_URL, "url" }, { OPT_CA, "ca" }, { OPT_ADMIN_KEY, "admin-key" } };
	int rc = config_read(config, args->command);

	for (size_t i = 0; i < sizeof options / sizeof options[0] && rc == 0; i++) {
		const char *value = args_value(args, options[i].id);
		if (value != NULL)
			rc = set_text(text_of(config, options[i].key), args->command, value);
	}
	return rc;
}
