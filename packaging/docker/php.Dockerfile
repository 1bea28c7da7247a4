# PHP with the extension: an official image of Debian's kind, or Debian's own packages of PHP 8.2. An application's own image begins
# with it, or repeats its steps. Built from the root of the repository:
#   docker build -f packaging/docker/php.Dockerfile -t fanfare-php .
#   docker build -f packaging/docker/php.Dockerfile -t fanfare-php --build-arg BASE=php:8.2-fpm-bookworm --build-arg RUN_AS=root .

ARG BASE=php:8.2-cli-bookworm

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends libmsgpack-dev
COPY . /src
RUN cd /src && phpize && ./configure && make && make install INSTALL_ROOT=/installed

FROM ${BASE}
ARG RUN_AS=www-data
RUN apt-get update && apt-get install -y --no-install-recommends libmsgpackc2 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /installed /
# The official images have a program for it, Debian has another.
RUN if command -v docker-php-ext-enable; then docker-php-ext-enable fanfare; else \
            echo extension=fanfare >/etc/php/8.2/mods-available/fanfare.ini && phpenmod fanfare; fi \
        && php --ri fanfare
USER ${RUN_AS}
